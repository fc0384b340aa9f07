"""Published numbers beside those of now, and which differences rounding explains."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FALSE_ALARM = 0.01
"""Probability that rounding alone moves a number of a claim out of its reach."""
NOT_THERE = "absent"


@dataclass(frozen=True)
class Moved:
    """A number that is not what was published."""

    name: str  # path among the metrics of its task
    published: Any  # value in the file
    here: Any  # value of now
    reach: float | None  # how far rounding moves it, either way; None for what is not a number
    explained: bool  # whether rounding explains the difference

    def __str__(self) -> str:
        text = f"{self.name} is {self.here}, in the file {self.published}"
        if self.reach is None:
            return text
        moves = f"moves it by {self.reach:.1e} at most" if self.reach else "does not move it"
        return f"{text}; rounding {moves}"


def differing(published: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The names of the numbers that are not the same, in the order of the file."""
    names = [*published, *(name for name in here if name not in published)]
    return [name for name in names if _value(published, name) != _value(here, name)]


def compare(
    published: Mapping[str, Any], here: Mapping[str, Any], others: Sequence[Mapping[str, Any]]
) -> Iterator[Moved]:
    """Tell rounding from what is more than that, number by number.

    Args:
        published: Names to values of the file.
        here: Names to values of now.
        others: Names to values of runs that differ from now in rounding alone.

    Yields:
        Each number that is not the same.
    """
    level = FALSE_ALARM / max(1, len(published))
    for name in differing(published, here):
        was, now = _value(published, name), _value(here, name)
        reached = [_value(each, name) for each in (here, *others)]
        if not (_is_number(was) and _is_number(now)):
            unstable = len({str(each) for each in reached}) > 1 and not isinstance(now, bool)
            yield Moved(name, was, now, None, unstable)
        elif not all(map(_is_number, reached)):  # it comes and goes
            yield Moved(name, was, now, np.inf, explained=True)
        else:
            middle, reach = interval(reached, level)
            # metrics are computed in float64, whatever the run is
            bit = float(np.finfo(float).eps) * max(1.0, abs(middle))
            yield Moved(name, was, now, reach, abs(was - middle) <= reach + bit)


def interval(values: Sequence[float], level: float) -> tuple[float, float]:
    """Predict where one more value lies that differs from these by chance alone.

    Args:
        values: Two values or more, normally distributed.
        level: Probability that it lies elsewhere.

    Returns:
        The middle and the half-width of the prediction interval: Student's t times the standard
        deviation.

    Example:
        >>> middle, reach = interval([1.0, 2.0, 3.0], level=0.05)
        >>> round(middle, 3), round(reach, 3)
        (2.0, 4.968)
    """
    from scipy import stats

    count, middle = len(values), float(np.mean(values))
    quantile = float(stats.t.ppf(1 - level / 2, count - 1))
    # of equal values exactly 0, whatever their mean rounds to
    deviation = float(np.std(values, ddof=1)) if len({*values}) > 1 else 0.0
    return middle, quantile * deviation * (1 + 1 / count) ** 0.5


def _value(numbers: Mapping[str, Any], name: str) -> Any:
    return numbers.get(name, NOT_THERE)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
