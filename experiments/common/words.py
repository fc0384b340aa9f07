"""Numbers in words, and sentences that are left out where their numbers are missing."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any


def join(*sentences: str) -> str:
    """One text of the sentences that are not empty.

    Args:
        *sentences: Each complete, or empty.

    Returns:
        The text.

    Example:
        >>> join("It rains.", "", "It pours.")
        'It rains. It pours.'
    """
    return " ".join(filter(None, sentences))


def listed(items: Iterable[object]) -> str:
    """Items as a sentence names them.

    Args:
        items: At least one.

    Returns:
        The items, the last two joined by "and".

    Example:
        >>> listed(["1a", "1b", "4a"])
        '1a, 1b and 4a'
    """
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    Args:
        count: How many.
        noun: In the singular; its plural ends in s.

    Returns:
        Both.

    Example:
        >>> counted(1, "slip"), counted(7, "slip")
        ('1 slip', '7 slips')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def points(difference: float) -> str:
    """A difference of two shares, without its sign, in percentage points.

    Args:
        difference: As a fraction.

    Returns:
        The difference with its unit.

    Example:
        >>> points(-0.0123)
        '1.2 points'
    """
    return f"{abs(100 * difference):.1f} points"


def scientific(value: float | None) -> str:
    """A small number with one digit.

    Args:
        value: A number, or what is there instead.

    Returns:
        The number in scientific notation.

    Example:
        >>> [scientific(value) for value in (1.2e-7, 0.0, None)]
        ['1e-07', '0', 'not a number']
    """
    if value is None or not math.isfinite(value):
        return "not a number"
    return f"{value:.0e}" if value else "0"


def side(difference: float, positive: str, negative: str, level: str) -> str:
    """The word for the sign of a difference, as it is shown in points.

    Args:
        difference: As a fraction.
        positive: Its word above zero.
        negative: Its word below.
        level: What to say where no tenth of a point is left.

    Returns:
        The difference in points with its word, or `level`.

    Example:
        >>> [side(difference, "above", "below", "equal to") for difference in (-0.012, 0.0001)]
        ['1.2 points below', 'equal to']
    """
    if round(abs(100 * difference), 1) == 0:
        return level
    return f"{points(difference)} {positive if difference > 0 else negative}"


def known(*values: Any) -> bool:
    """Whether all of some numbers were measured: neither None nor infinite nor NaN.

    Args:
        *values: Numbers, or None.

    Returns:
        True if all are finite.

    Example:
        >>> known(1.0, 2), known(1.0, None), known(float("nan"))
        (True, False, False)
    """
    return all(value is not None and math.isfinite(value) for value in values)


def falls(values: Sequence[float]) -> bool:
    """Whether each value is below the one before.

    Args:
        values: In order.

    Returns:
        True for fewer than two.

    Example:
        >>> falls([3.0, 2.0, 1.0]), falls([1.0, 1.0])
        (True, False)
    """
    return all(later < earlier for earlier, later in pairwise(values))
