"""The verdict on a formula, and what it is reached from: a loss and two gradients at a point."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from mnist_jax.gradcheck.arithmetic.balls import Balls
from mnist_jax.gradcheck.arithmetic.interpreter import Unsupported, evaluate
from mnist_jax.gradcheck.arithmetic.numbers import call
from mnist_jax.gradcheck.formula.agreement import Pair
from mnist_jax.gradcheck.formula.witness import Slopes, Witness, values_slope

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


class Case(NamedTuple):
    """A loss and two gradients of it, at one point.

    Attributes:
        reverse: Jaxpr of autodiff's gradient.
        gradient: Hand-written gradient: a jaxpr, or a function of NumPy arrays.
        loss: Jaxpr of the loss, or None.
        point: Flat list of all arguments.
        argnums: Positions of the differentiated arguments.
        arithmetic: Ball arithmetic without perturbation of the data.
    """

    reverse: Any
    gradient: Any
    loss: Any
    point: Sequence[np.ndarray]
    argnums: Sequence[int] | None
    arithmetic: Balls

    def direction(self) -> list[np.ndarray | None]:
        """Return a direction for the differentiated arguments, and None for the others."""
        jaxpr = getattr(self.reverse, "jaxpr", self.reverse)
        moved = range(len(jaxpr.outvars)) if self.argnums is None else self.argnums
        rng = np.random.default_rng(0)
        return [
            rng.uniform(-1, 1, np.shape(x)) if i in moved else None
            for i, x in enumerate(self.point)
        ]

    def slopes(self) -> Slopes:
        """Compute the slopes of the loss along that direction from its values."""
        return values_slope(self.loss, self.point, self.direction(), self.arithmetic)

    def pair(self, arithmetic: Balls) -> Pair:
        """Evaluate both gradients with the current precision."""
        given = [arithmetic.data(x) for x in self.point]
        with arithmetic.sharing():
            theirs, ours = (_values(f, given, arithmetic) for f in (self.reverse, self.gradient))
        shapes = [x.shape for x in theirs]
        if shapes != [x.shape for x in ours]:
            raise Unsupported("the gradients have other shapes")
        flat = [np.concatenate([np.ravel(x) for x in g]) for g in (theirs, ours)]
        return Pair(flat[0], flat[1], shapes)


def _values(function: Any, given: list[np.ndarray], arithmetic: Balls) -> list[np.ndarray]:
    if hasattr(function, "jaxpr"):
        return evaluate(function, given, arithmetic)
    return call(function, given, arithmetic.check)
