"""Formatting of numbers and lists as text."""

from collections.abc import Iterable


def listed(items: Iterable[object]) -> str:
    """Joins items as in a sentence.

    Example:
        >>> listed(["1a", "1b", "4a"])
        '1a, 1b and 4a'
    """
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last


def scientific(value: float) -> str:
    """Write a number with two digits and its power of ten; zero as it is.

    Example:
        >>> scientific(5.73e-07), scientific(0.0)
        ('5.7e-07', '0')
    """
    return f"{value:.1e}" if value else "0"


def counted(count: int, noun: str) -> str:
    """Formats a count with its noun, given in the singular.

    Example:
        >>> counted(1, "slip"), counted(7, "slip")
        ('1 slip', '7 slips')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
