"""How a command is ended from outside: Ctrl-C, and SIGTERM, which clusters send beforehand."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM; it ends a command as Ctrl-C does, with another exit code."""


ENDS: dict[int, type[KeyboardInterrupt]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
}
"""What each signal raises."""


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM raises `Terminated`; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _end(*_: object) -> NoReturn:
    raise Terminated
