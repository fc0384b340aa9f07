"""Interleaved timing of several programs, so that the load of the machine affects all alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Times(NamedTuple):
    """Times of one program."""

    first: float  # seconds of the first call, which compiles
    rest: list[float]  # seconds of the other calls
    value: Any  # return value of the last call

    @property
    def median(self) -> float:
        """Median of the calls after the first, in seconds."""
        return statistics.median(self.rest)

    def numbers(self) -> dict[str, Any]:
        """Returns the times as plain values; `compile_s` is the excess of the first call."""
        return {
            "median_s": self.median,
            "fastest_s": min(self.rest),
            "slowest_s": max(self.rest),
            "repeats": len(self.rest),
            "compile_s": max(0.0, self.first - self.median),
        }


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Returns the seconds that a call takes, and its value."""
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def interleaved(
    programs: Mapping[str, Callable[[], Any]],
    repeats: int,
    on_call: Callable[[int], None] = lambda calls_done: None,
) -> dict[str, Times]:
    """Calls each program once to compile it, and then all programs in turn.

    Args:
        programs: Programs by name; each waits for its own result.
        repeats: Number of rounds.
        on_call: Function called with the number of calls done.

    Returns:
        The times by name.

    Example:
        >>> times = interleaved({"nothing": lambda: 1}, repeats=3)["nothing"]
        >>> len(times.rest), times.value, times.median < 1
        (3, 1, True)
    """
    times: dict[str, list[float]] = {name: [] for name in programs}
    values: dict[str, Any] = {}
    for call in range((repeats + 1) * len(programs)):
        name = [*programs][call % len(programs)]
        seconds, values[name] = timed(programs[name])
        times[name].append(seconds)
        on_call(call + 1)
    return {name: Times(s[0], s[1:], values[name]) for name, s in times.items()}
