"""Signals that end a command: Ctrl-C, and SIGTERM, which clusters send in advance."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """Raised by SIGTERM, which ends a command as Ctrl-C does, with another exit code."""


EXCEPTIONS: dict[int, type[KeyboardInterrupt]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
}
"""Signals to the exceptions that they raise."""


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM raise `Terminated`; has no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminate(*_: object) -> NoReturn:
    raise Terminated
