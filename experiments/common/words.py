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


def counted(count: int, noun: str) -> str:
    """Formats a count with its noun, given in the singular.

    Example:
        >>> counted(1, "slip"), counted(7, "slip")
        ('1 slip', '7 slips')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
