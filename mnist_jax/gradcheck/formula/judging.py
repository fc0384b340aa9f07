r"""Judges whether a formula is the gradient of a loss over the real numbers.

Both gradients are evaluated in ball arithmetic with increasing precision. If the balls of a
coordinate do not overlap, the gradients are proved different. If all balls overlap and are narrow,
the gradients agree to that many digits.

The data of a loss are rounded: fractions that sum to 1 do so only up to 1e-16. If a difference is
proved, the data are therefore perturbed at random by at most their rounding error. If the
difference then changes by as much as its own size, rounding of the data explains it. Otherwise the
formulas differ.

The values of the loss test autodiff without any derivative rule: their difference quotient at
$h = 2^{-200}$ along a direction gives the slope to a hundred digits. They show whether autodiff is
correct, and whether the loss has a kink.
"""

import time
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.balls import Balls, TooLong, precision
from mnist_jax.gradcheck.arithmetic.comparisons import Undecided
from mnist_jax.gradcheck.arithmetic.exact import exactly
from mnist_jax.gradcheck.arithmetic.interpreter import Unsupported
from mnist_jax.gradcheck.closures import captured
from mnist_jax.gradcheck.formula.agreement import DECIMAL, Pair, logarithms
from mnist_jax.gradcheck.formula.case import Case, Formula
from mnist_jax.gradcheck.formula.witness import (
    Witness,
    differ,
    witness,
)
from mnist_jax.gradcheck.tuning import (
    EQUAL,
    EXPLAINS,
    FEWEST_BITS,
    FIXED,
    MOST_BITS,
    PERTURBED,
    WITNESS_BITS,
    WITNESSED,
)


def judge(
    reverse: Any,
    gradient: Any,
    points: Sequence[Sequence[np.ndarray]],
    *,
    loss: Any = None,
    argnums: Sequence[int] | None = None,
    seconds: float = 5.0,
) -> Formula:
    """Judge the formula of a gradient.

    Args:
        reverse: Jaxpr of autodiff's gradient as a function of all arguments, traced in float64.
        gradient: Hand-written gradient: a jaxpr of the same arguments, or a function of NumPy
            arrays that returns arrays.
        points: Flat list of all arguments, for each point.
        loss: Jaxpr of the loss. Without it, autodiff is not tested, and kinks are not found.
        argnums: Positions of the differentiated arguments; by default the first ones.
        seconds: Time limit; if it is exceeded, the verdict is `not told`.

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
    arithmetic = Balls(deadline=time.thread_time() + seconds)
    told: list[Formula] = []
    untold, by_values = "", cast(tuple[Witness, Witness], ("not told", "not told"))
    took = 0.0
    for point in points:
        started = time.thread_time()
        try:
            arithmetic.check(took)  # as long as the point before
            case = Case(reverse, gradient, loss, point, argnums, arithmetic)
            told.append(_judge_at(case))
            took = time.thread_time() - started
            if len(told) == 1:
                # equal gradients have the same slopes
                same = told[0].digits >= EQUAL
                by_values = judge_by_values(case._replace(gradient=reverse) if same else case)
        except (Unsupported, Undecided) as error:
            untold = untold or str(error)
        except TooLong:
            untold = untold or f"too large for {seconds:g} seconds"
            break
        if told and told[-1].verdict == "different":
            return _settled(told[-1]._replace(points=1), *by_values)
    if not told:
        return Formula("not told", note=untold or "no points")
    fewest = min(told, key=lambda formula: formula.digits)
    return _settled(fewest._replace(points=len(told)), *by_values)


def _judge_at(case: Case) -> Formula:
    arithmetic, bits = case.arithmetic, FEWEST_BITS
    while bits <= MOST_BITS:
        with precision(bits):
            try:
                pair = case.pair(arithmetic)
            except Undecided:
                if 2 * bits > MOST_BITS:
                    raise
                bits *= 2
                continue
            if not all(ball.contains(0) for ball in pair.difference):
                return _explain(case, pair)
            if (digits := pair.agreement()) is not None:
                return Formula("equal", digits)
        bits *= 2
    raise Unsupported(f"numbers that are undecided with {MOST_BITS} bits, or not finite")


def _explain(case: Case, pair: Pair) -> Formula:
    """Decide whether a difference comes from the formula, from the data, or from a kink."""
    difference, scales = pair.difference, pair.scales()[pair.leaves]
    least, most = logarithms(difference, arb.abs_lower), logarithms(difference)
    change = np.full(len(difference), -np.inf)
    unexplained, eps = least > change, _eps_held(case.gradient)
    for draw in range(1, PERTURBED + 1):
        drawn = case.pair(Balls(draw, case.arithmetic.deadline, eps)).difference
        change = np.maximum(change, logarithms(drawn - difference))
        unexplained = least > change + np.log2(EXPLAINS)
        fixed = draw > 1 and np.any(unexplained & (least > change - np.log2(FIXED)))
        if fixed or not unexplained.any():
            break
    digits = max(0.0, float(np.min(scales - most)) * DECIMAL)
    if not unexplained.any():
        note = "equal to the digits of the data: rounding them explains the difference"
        return Formula("equal", digits, note=note)
    if case.loss is not None:
        slopes = case.slopes()
        if differ(slopes.ahead, slopes.behind):
            raise Unsupported("a kink: the slopes of the loss on the two sides differ")
    position = int(np.argmax(np.where(unexplained, least - scales, -np.inf)))
    return Formula(
        "different",
        max(0.0, float((scales - most)[position]) * DECIMAL),
        where=pair.place(position),
        values=(_shown(pair.ours[position]), _shown(pair.theirs[position])),
        difference=_shown(difference[position]),
    )


def _eps_held(gradient: Any) -> float:
    """Return the largest unit in the last place of the floats that a NumPy function closes over."""
    if hasattr(gradient, "jaxpr"):
        return 0.0  # its constants are perturbed themselves
    dtypes = (getattr(value, "dtype", None) for _, value in captured(gradient))
    floating = [d for d in dtypes if isinstance(d, np.dtype) and np.issubdtype(d, np.floating)]
    return max((float(np.finfo(d).eps) for d in floating), default=0.0)


def judge_by_values(case: Case) -> tuple[Witness, Witness]:
    """Compare the slopes of both gradients with values of the loss.

    Args:
        case: Case with a loss.

    Returns:
        A verdict on each gradient along a direction; "not told" at a kink, or if there is no loss
        or no ball arithmetic for it.
    """
    if case.loss is None:
        return "not told", "not told"
    try:
        slopes = case.slopes()
        if differ(slopes.ahead, slopes.behind):
            return "not told", "not told"
        with precision(WITNESS_BITS):
            pair = case.pair(case.arithmetic)
            along = np.concatenate([np.ravel(v) for v in case.direction() if v is not None])
            direction = exactly(along)
            theirs, ours = (np.sum(g * direction) for g in (pair.theirs, pair.ours))
            return witness(theirs, slopes.central), witness(ours, slopes.central)
    except (Unsupported, Undecided, TooLong):
        return "not told", "not told"


def _settled(formula: Formula, autodiff: Witness, hand: Witness) -> Formula:
    """Revise the verdict if the values of the loss refute autodiff."""
    if autodiff != "wrong" or hand == "not told":
        return formula._replace(autodiff=autodiff)
    if hand == "right":
        note = "the slope of the loss's values, along a direction, which autodiff's is not"
        return Formula("equal", WITNESSED, autodiff=autodiff, note=note)
    note = "neither the gradient nor autodiff's is the slope of the loss's values"
    return formula._replace(verdict="different", autodiff=autodiff, note=note)


def _shown(ball: arb) -> str:
    return ball.str(7, radius=False)
