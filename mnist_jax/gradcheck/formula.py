r"""The verdict on a formula: is this the gradient of that loss, over the real numbers?

Both gradients are evaluated in ball arithmetic, with more and more bits. If the balls of a
coordinate do not overlap, the gradients are proved different there; if all overlap and are narrow,
they agree to that many digits.

A loss's data are floats, and what holds of the numbers that they stand for, holds of them up to
their rounding: shares that sum to 1 do so up to 1e-16. So where a difference is proved, data are
moved at random by as much as rounding them may have moved them. A difference that changes by its
own size is one of the data; one of the formula stays what it is.

The loss's own values are a witness that needs no derivative rule: their difference at
$h = 2^{-200}$ along a direction is the slope to a hundred digits. They say whether autodiff is
right, and whether there is a derivative at all.
"""

import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from flint import arb

from mnist_jax.gradcheck.agreement import DECIMAL, Pair, logarithms
from mnist_jax.gradcheck.balls import Balls, TooLong, precision
from mnist_jax.gradcheck.comparisons import Undecided
from mnist_jax.gradcheck.exact import exactly
from mnist_jax.gradcheck.interpreter import Unsupported, evaluate
from mnist_jax.gradcheck.numbers import call
from mnist_jax.gradcheck.witness import BITS, Slopes, differ, values_slope

FEWEST_BITS, MOST_BITS = 128, 1 << 15
# a difference of the data may be so many times what it changes by in some of these draws of them:
# data are results of computations, and most draws are smaller than the largest
DRAWS, DRAWN = 8, 256.0
# what does not change by a millionth of itself, in two draws, is none
FIXED = 2.0**-20

Verdict = Literal["equal", "different", "not told"]
Witness = Literal["right", "wrong", "not told"]


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


def judge(
    reverse: Any,
    gradient: Any,
    points: Sequence[Sequence[np.ndarray]],
    *,
    loss: Any = None,
    argnums: Sequence[int] | None = None,
    seconds: float = 5.0,
) -> Formula:
    """Judge a gradient's formula.

    Args:
        reverse: Autodiff's gradient: a jaxpr of all arguments, flat, traced in float64.
        gradient: The hand-written one, likewise; or a function of NumPy arrays that returns
            arrays.
        points: Where: all arguments, flat, for each point.
        loss: The loss's jaxpr; without it, nothing is said of autodiff and of kinks.
        argnums: Positions of the differentiated arguments; by default the first ones.
        seconds: Time to do it in; what takes longer is not told.

    Returns:
        The verdict.

    Example:
        >>> import jax
        >>> with jax.enable_x64(True):
        ...     right = jax.make_jaxpr(jax.grad(jax.numpy.sin))(0.5)
        ...     wrong = jax.make_jaxpr(jax.numpy.cosh)(0.5)
        >>> judge(right, right, [[np.array(0.5)]]).verdict
        'equal'
        >>> judge(right, wrong, [[np.array(0.5)]]).difference
        '0.2500434'
    """
    arithmetic = Balls(deadline=time.monotonic() + seconds)
    told: list[Formula] = []
    untold, autodiff = "", cast(Witness, "not told")
    for point in points:
        try:
            problem = Problem(reverse, gradient, loss, point, argnums, arithmetic)
            told.append(_judge_at(problem))
            if len(told) == 1:
                autodiff = judge_autodiff(problem)
        except (Unsupported, Undecided) as error:
            untold = untold or str(error)
        except TooLong:
            untold = untold or f"too large for {seconds:g} seconds"
            break
        if told and told[-1].verdict == "different":
            return told[-1]._replace(points=1, autodiff=autodiff)
    if not told:
        return Formula("not told", note=untold or "no points")
    fewest = min(told, key=lambda formula: formula.digits)
    return fewest._replace(points=len(told), autodiff=autodiff)


class Problem(NamedTuple):
    """What a gradient is judged by, at one point.

    Attributes:
        reverse: Autodiff's gradient, a jaxpr.
        gradient: The hand-written one: a jaxpr, or a function of NumPy arrays.
        loss: The loss's jaxpr, or None.
        point: All arguments, flat.
        argnums: Positions of the differentiated ones.
        arithmetic: Balls of data as they are.
    """

    reverse: Any
    gradient: Any
    loss: Any
    point: Sequence[np.ndarray]
    argnums: Sequence[int] | None
    arithmetic: Balls

    def direction(self) -> list[np.ndarray | None]:
        """A direction of the differentiated arguments, and nothing for the others."""
        jaxpr = getattr(self.reverse, "jaxpr", self.reverse)
        moved = range(len(jaxpr.outvars)) if self.argnums is None else self.argnums
        rng = np.random.default_rng(0)
        return [
            rng.uniform(-1, 1, np.shape(x)) if i in moved else None
            for i, x in enumerate(self.point)
        ]

    def slopes(self) -> Slopes:
        """The slopes of the loss's values along that direction."""
        return values_slope(self.loss, self.point, self.direction(), self.arithmetic)

    def pair(self, arithmetic: Balls) -> Pair:
        """Both gradients, with the bits that are set."""
        given = [arithmetic.data(x) for x in self.point]
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


def _judge_at(problem: Problem) -> Formula:
    arithmetic, bits = problem.arithmetic, FEWEST_BITS
    while bits <= MOST_BITS:
        with precision(bits):
            try:
                pair = problem.pair(arithmetic)
            except Undecided:
                if 2 * bits > MOST_BITS:
                    raise
                bits *= 2
                continue
            if not all(ball.contains(0) for ball in pair.difference):
                return _explain(problem, pair)
            if (digits := pair.agreement()) is not None:
                return Formula("equal", digits)
        bits *= 2
    raise Unsupported(f"numbers that {MOST_BITS} bits do not tell, or that are not finite")


def _explain(problem: Problem, pair: Pair) -> Formula:
    """Whether a difference is one of the formula, of the data, or of a kink."""
    difference, scales = pair.difference, pair.scales()[pair.leaves]
    least, most = logarithms(difference, arb.abs_lower), logarithms(difference)
    change = np.full(len(difference), -np.inf)
    unexplained = least > change
    for draw in range(1, DRAWS + 1):
        drawn = problem.pair(Balls(draw, problem.arithmetic.deadline)).difference
        change = np.maximum(change, logarithms(drawn - difference))
        unexplained = least > change + np.log2(DRAWN)
        fixed = draw > 1 and np.any(unexplained & (least > change - np.log2(FIXED)))
        if fixed or not unexplained.any():
            break
    digits = max(0.0, float(np.min(scales - most)) * DECIMAL)
    if not unexplained.any():
        note = "equal to the digits of the data: rounding them explains the difference"
        return Formula("equal", digits, note=note)
    if problem.loss is not None:
        slopes = problem.slopes()
        if differ(slopes.ahead, slopes.behind):
            raise Unsupported("a kink: the loss has other slopes on its two sides")
    position = int(np.argmax(np.where(unexplained, least - scales, -np.inf)))
    return Formula(
        "different",
        max(0.0, float((scales - most)[position]) * DECIMAL),
        where=pair.place(position),
        values=(_shown(pair.ours[position]), _shown(pair.theirs[position])),
        difference=_shown(difference[position]),
    )


def judge_autodiff(problem: Problem) -> Witness:
    """Whether autodiff's gradient is the slope of the loss's values along a direction.

    Args:
        problem: With a loss.

    Returns:
        "not told" at a kink, or if there is no loss or no ball arithmetic for it.
    """
    if problem.loss is None:
        return "not told"
    try:
        slopes = problem.slopes()
        if differ(slopes.ahead, slopes.behind):
            return "not told"
        with precision(BITS):
            given = [problem.arithmetic.data(x) for x in problem.point]
            gradient = evaluate(problem.reverse, given, problem.arithmetic)
            along = [v for v in problem.direction() if v is not None]
            pairs = zip(gradient, along, strict=True)
            slope = sum((np.sum(g * exactly(v)) for g, v in pairs), arb(0))
            if not slope.is_finite() or not slopes.central.is_finite():
                return "not told"
            return "wrong" if differ(slope, slopes.central) else "right"
    except (Unsupported, Undecided, TooLong):
        return "not told"


def _shown(ball: arb) -> str:
    return ball.str(7, radius=False)
