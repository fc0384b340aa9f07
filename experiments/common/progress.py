"""Progress display of an experiment, and its interruption."""

import signal
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from experiments.common.signals import EXCEPTIONS

LINE_INTERVAL = 60
"""Seconds between two lines without a terminal."""


class Progress:
    """Progress bars on a terminal; elsewhere a line on stderr every minute.

    Ctrl-C and SIGTERM end the work at the next update of a bar, because an exception during
    compilation or execution can crash the interpreter at its exit. A second signal ends the work at
    once.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._interrupted: type[KeyboardInterrupt] | bool = False
        self._lines = not quiet and not console.is_terminal
        self._bars = Bars(
            *columns,
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._interrupt) for number in EXCEPTIONS}
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if error is None:
            self._end_if_interrupted()

    @property
    def interrupted(self) -> bool:
        """Whether the work ends at the next update of a bar."""
        return bool(self._interrupted)

    def bar(self, description: str, total: int) -> Callable[[int], None]:
        """Adds a bar for a number of units of work.

        Returns:
            Function that takes the number of units done; after Ctrl-C it raises KeyboardInterrupt.
        """
        bar = self._bars.add_task(description, total=total)
        show_line = minutely(description, total) if self._lines else lambda done: None

        def update(done: int) -> None:
            self._bars.update(bar, completed=done)
            show_line(done)
            self._end_if_interrupted()

        return update

    def _interrupt(self, number: int, *_: object) -> None:
        self._end_if_interrupted()
        self._interrupted = EXCEPTIONS[number]

    def _end_if_interrupted(self) -> None:
        if isinstance(self._interrupted, type):
            raise self._interrupted


def minutely(
    description: str, total: int, clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """Returns a progress log for output without a terminal.

    Args:
        description: Description of the work.
        total: Number of units of work.
        clock: Function that returns the time in seconds.

    Returns:
        Function that takes the number of units done, and prints a line on stderr at most once a
        minute. The rate is measured from its first call, so that it excludes the first
        compilation and the work of an earlier process.
    """
    printed = clock()
    first: tuple[float, int] | None = None

    def show(done: int) -> None:
        nonlocal printed, first
        now = clock()
        first = first or (now, done)
        if now - printed >= LINE_INTERVAL:
            printed = now
            print(line(description, total, done, now - first[0], done - first[1]), file=sys.stderr)

    return show


def line(description: str, total: int, done: int, seconds: float, since: int) -> str:
    """Formats a line of the log, with the rate and the time left once they are known.

    Example:
        >>> line("sweep (runs)", 800, 120, seconds=60, since=40)
        'sweep (runs): 120 of 800, 40 a minute, 17 min left'
    """
    text = f"{description}: {done} of {total}"
    if seconds <= 0 or since <= 0:
        return text
    rate = since / seconds
    speed = f"{rate:.3g} a second" if rate >= 1 else f"{60 * rate:.3g} a minute"
    return f"{text}, {speed}, {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """Formats a duration.

    Example:
        >>> duration(40), duration(1020), duration(9000)
        ('40 s', '17 min', '2 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
