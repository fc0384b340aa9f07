"""The verdict on the formula of a gradient."""

from typing import Literal, NamedTuple

from mnist_jax.gradcheck.formula.witness import Witness

Verdict = Literal["equal", "different", "not told"]


class Formula(NamedTuple):
    """The verdict on a formula.

    Attributes:
        verdict: Verdict: `equal`, `different` (proved), or `not told` (undecided).
        digits: Number of digits of the largest entry to which the gradients agree at all points, or
            at the point where they differ.
        points: Number of points with a verdict.
        where: Array of the gradient and index of the largest difference; None if there is none.
        values: Values of the gradient and of autodiff's gradient there.
        difference: Difference of these values.
        autodiff: Verdict on autodiff's gradient by the values of the loss.
        note: Reason for the verdict, in a few words.
    """

    verdict: Verdict
    digits: float = 0.0
    points: int = 0
    where: tuple[int, tuple[int, ...]] | None = None
    values: tuple[str, str] | None = None
    difference: str | None = None
    autodiff: Witness = "not told"
    note: str = ""
