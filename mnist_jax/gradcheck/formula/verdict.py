"""The verdict on the formula of a gradient."""

from typing import Literal, NamedTuple

from mnist_jax.gradcheck.formula.witness import Witness

Verdict = Literal["equal", "different", "not told"]


class Formula(NamedTuple):
    """The verdict on a formula.

    Attributes:
        verdict: `equal`, `different` (which is proved), or `not told`.
        digits: To how many digits of the largest entry the gradients agree at all points; where
            they differ, at the point of the difference.
        points: At how many points the verdict was reached.
        where: Where they differ most, if they do: which array of the gradient, and where in it.
        values: There, the gradient's value and autodiff's.
        difference: The former less the latter.
        autodiff: Whether autodiff's gradient is the slope of the loss's own values.
        note: What else there is to say, in a few words.
    """

    verdict: Verdict
    digits: float = 0.0
    points: int = 0
    where: tuple[int, tuple[int, ...]] | None = None
    values: tuple[str, str] | None = None
    difference: str | None = None
    autodiff: Witness = "not told"
    note: str = ""
