"""What a person at a terminal sees while an experiment runs, and how it is interrupted."""

import signal
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """Progress bars on stderr, shown only where that is a terminal.

    Ctrl-C ends the work at the next step of a bar, not in the midst of a compilation or a compiled
    program, which can crash the interpreter on its way out. A second Ctrl-C ends it at once.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._interrupted = False
        self._bars = Bars(
            *columns,
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGINT, self._interrupt)
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()
        signal.signal(signal.SIGINT, self._previous)
        if error is None:
            self._end_if_interrupted()

    def bar(self, description: str, total: int) -> Callable[[int], None]:
        """A new bar.

        Args:
            description: What is counted.
            total: How many there are.

        Returns:
            A function that takes the number done so far; after Ctrl-C it raises KeyboardInterrupt.
        """
        bar = self._bars.add_task(description, total=total)

        def update(done: int) -> None:
            self._bars.update(bar, completed=done)
            self._end_if_interrupted()

        return update

    def _interrupt(self, *_: object) -> None:
        self._end_if_interrupted()
        self._interrupted = True

    def _end_if_interrupted(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
