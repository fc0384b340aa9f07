"""One thing that a check found."""

from typing import NamedTuple

from mnist_jax.gradcheck.comparison import Comparison


class Finding(NamedTuple):
    """One kind of check in one precision, at all points.

    Attributes:
        check: What was compared with what.
        precision: The dtype.
        passes: None if it could not be made, or tells nothing.
        point: The point where it was worst.
        comparison: The numbers there; None for a check without coordinates.
        note: Free-text note.
    """

    check: str
    precision: str
    passes: bool | None
    point: str = ""
    comparison: Comparison | None = None
    note: str = ""
