"""The result of one comparison."""

from typing import NamedTuple

from mnist_jax.gradcheck.comparison import Comparison


class Finding(NamedTuple):
    """The result of one kind of check in one precision, over all points.

    Attributes:
        check: Name of the check.
        precision: Name of the dtype.
        passes: Whether the check passes; None if it was not possible or is inconclusive.
        point: Name of the point with the largest error.
        comparison: Numbers at that point; None for a check without coordinates.
        note: Free-text note.
    """

    check: str
    precision: str
    passes: bool | None
    point: str = ""
    comparison: Comparison | None = None
    note: str = ""
