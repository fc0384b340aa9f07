"""What a person at a terminal sees while an experiment runs; elsewhere nothing."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """Progress bars on stderr, shown only where that is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bars = Bars(
            *columns,
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def bar(self, description: str, total: int) -> Callable[[int], None]:
        """A new bar.

        Args:
            description: What is counted.
            total: How many there are.

        Returns:
            A function that takes the number done so far.
        """
        bar = self._bars.add_task(description, total=total)
        return lambda done: self._bars.update(bar, completed=done)
