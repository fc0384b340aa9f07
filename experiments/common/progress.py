"""What is seen of an experiment while it runs, and how it is interrupted."""

import signal
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from experiments.common.signals import ENDS

SECONDS_OF_A_LINE = 60
"""Time between two lines where there is no terminal."""


class Progress:
    """Progress bars on a terminal; elsewhere a line on stderr every minute.

    Ctrl-C and SIGTERM end the work at the next step of a bar, not in the midst of a compilation or
    a compiled program, which can crash the interpreter on its way out. A second one ends it at
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
        self._previous = {number: signal.signal(number, self._interrupt) for number in ENDS}
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
        """Whether the work ends at the next step of a bar."""
        return bool(self._interrupted)

    def bar(self, description: str, total: int) -> Callable[[int], None]:
        """A new bar.

        Args:
            description: What is counted.
            total: How many there are.

        Returns:
            A function that takes the number done so far; after Ctrl-C it raises KeyboardInterrupt.
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
        self._interrupted = ENDS[number]

    def _end_if_interrupted(self) -> None:
        if isinstance(self._interrupted, type):
            raise self._interrupted


def minutely(
    description: str, total: int, clock: Callable[[], float] = time.monotonic
) -> Callable[[int], None]:
    """A log of what is done, for where there is no terminal.

    Args:
        description: What is counted.
        total: How many there are.
        clock: Seconds.

    Returns:
        A function that takes the number done so far, and prints a line on stderr at most once a
        minute. The rate is counted from its first call, so that what was done by an earlier
        process and the time of the first compilation don't distort it.
    """
    printed = clock()
    first: tuple[float, int] | None = None

    def show(done: int) -> None:
        nonlocal printed, first
        now = clock()
        first = first or (now, done)
        if now - printed >= SECONDS_OF_A_LINE:
            printed = now
            print(line(description, total, done, now - first[0], done - first[1]), file=sys.stderr)

    return show


def line(description: str, total: int, done: int, seconds: float, since: int) -> str:
    """Write a line of the log, with the rate and the time left once they are known.

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
    """Some time in words.

    Example:
        >>> duration(40), duration(1020), duration(9000)
        ('40 s', '17 min', '2 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
