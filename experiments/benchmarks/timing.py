"""Times of several programs side by side: in turn, so that a busy machine is busy for all."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Times(NamedTuple):
    """How long one program took.

    Attributes:
        first: The first call, seconds; it compiles.
        rest: Every further call.
        value: What the last call returned.
    """

    first: float
    rest: list[float]
    value: Any

    @property
    def median(self) -> float:
        """Median of the further calls, in seconds."""
        return statistics.median(self.rest)

    def numbers(self) -> dict[str, Any]:
        """As plain values; `compile_s` is what the first call took longer."""
        return {
            "median_s": self.median,
            "fastest_s": min(self.rest),
            "slowest_s": max(self.rest),
            "repeats": len(self.rest),
            "compile_s": max(0.0, self.first - self.median),
        }


def interleaved(
    programs: Mapping[str, Callable[[], Any]],
    repeats: int,
    on_call: Callable[[int], None] = lambda calls_done: None,
) -> dict[str, Times]:
    """Calls each program once to warm up, then all of them in turn.

    Args:
        programs: Names to what is timed; each waits for its own result.
        repeats: How many rounds.
        on_call: Called with the number of calls done.

    Returns:
        The times by name.

    Example:
        >>> times = interleaved({"nothing": lambda: 1}, repeats=3)["nothing"]
        >>> len(times.rest), times.value, times.median < 1
        (3, 1, True)
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    values: dict[str, Any] = {}
    for call in range((repeats + 1) * len(programs)):
        name = [*programs][call % len(programs)]
        start = time.perf_counter()
        values[name] = programs[name]()
        seconds[name].append(time.perf_counter() - start)
        on_call(call + 1)
    return {name: Times(s[0], s[1:], values[name]) for name, s in seconds.items()}
