"""One function for each kind of check: from what was computed at the points to a finding."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from mnist_jax.gradcheck.comparison import Comparison, compare
from mnist_jax.gradcheck.differences import richardson, taylor_order
from mnist_jax.gradcheck.points import Evaluated, Gradients, Values, slopes
from mnist_jax.gradcheck.report import Finding

# what an error may be, in standard deviations of what rounding does
TOLERANCE = 16.0
# ... and in multiples of what Richardson's extrapolation says of its own error
SETTLED = 8.0
# how many digits a gradient may lose to rounding that autodiff does not
LOST = 2.0
# a tolerance this large relative to the gradient tells nothing
UNRESOLVED = 0.1
# between the orders of a right gradient's remainder, 2, and a wrong one's, 1
ORDER = 1.5


def judge(
    points: Sequence[Evaluated],
    precision: str,
    directions: PyTree,
    batched: Gradients | None,
) -> Iterator[Finding]:
    """All checks in one precision.

    Args:
        points: What was computed at each.
        precision: The dtype.
        directions: Of the derivatives along directions, stacked along a leading axis.
        batched: Both gradients at all points, stacked likewise; None if they could not be had.

    Yields:
        A finding for each check.
    """
    yield against_reverse(points, precision)
    yield lost_digits(points, precision)
    yield against_forward(points, precision, directions)
    if precision == "float64":
        yield against_differences(points, directions)
        yield against_taylor(points, directions)
    else:
        yield against_float64(points, precision)
    yield compiled_against_eager(points, precision)
    if batched is None:
        yield Finding("vmap / loop", precision, None, note="the gradient can't be traced by JAX")
    else:
        yield batched_against_loop(points, precision, batched)
    yield repeated(points, precision)


def against_reverse(points: Sequence[Evaluated], precision: str) -> Finding:
    """The hand-written gradient against reverse mode, coordinate by coordinate."""
    compared = []
    for at in points:
        ours, reference = at.compiled.gradient, at.reverse
        tolerance = allowed(at.deviation.analytic, at.deviation.reverse, reference, precision)
        compared.append(compare(ours, reference, tolerance, precision))
    found = worst("reverse mode", precision, points, compared)
    if found.passes and min(c.resolution for c in compared) > UNRESOLVED:
        note = "not told: rounding hides the gradient at every point"
        return found._replace(passes=None, note=note)
    return found


def lost_digits(points: Sequence[Evaluated], precision: str) -> Finding:
    """How many digits the hand-written gradient loses to rounding that autodiff does not.

    Where the gradient is largest: where a loss is saturated, autodiff may keep digits of a gradient
    that is zero beside the terms it is the difference of.
    """
    unit = float(jnp.finfo(precision).eps) / 2
    at = max(points, key=lambda at: np.nan_to_num(largest(at.reverse), posinf=0.0))
    ours, theirs = (largest(each) for each in (at.deviation.analytic, at.deviation.reverse))
    theirs = max(theirs, unit * largest(at.reverse))
    ratio = ours / theirs if theirs else 1.0
    if not np.isfinite(ratio):
        return Finding("lost to rounding", precision, None, note="not told: not finite")
    lost = np.log10(max(ratio, 1.0))
    note = f"{lost:.1f} digits more than autodiff at {at.name}"
    return Finding("lost to rounding", precision, bool(lost <= LOST), note=note)


def against_forward(points: Sequence[Evaluated], precision: str, directions: PyTree) -> Finding:
    """The slopes that the gradient gives along the directions against forward mode's."""
    compared = []
    for at in points:
        ours = slopes(at.compiled.gradient, directions)
        tolerance = allowed(at.deviation.slopes, at.deviation.forward, at.forward, precision)
        compared.append(compare(ours, np.asarray(at.forward), tolerance, precision))
    return worst("forward mode", precision, points, compared, along=True)


def against_differences(points: Sequence[Evaluated], directions: PyTree) -> Finding:
    """The slopes along the directions against extrapolated central differences, in float64."""
    compared = []
    for at in points:
        ours = slopes(at.compiled.gradient, directions)
        reference = np.array([richardson(line).derivative for line in at.lines])
        compared.append(compare(ours, reference, allowed_along(at), "float64"))
    return worst("central differences", "float64", points, compared, along=True)


def against_taylor(points: Sequence[Evaluated], directions: PyTree) -> Finding:
    """The order of Taylor's remainder, the median over points and directions, in float64."""
    orders = []
    for at in points:
        ours = slopes(at.compiled.gradient, directions)
        orders += [
            taylor_order(*each) for each in zip(at.lines, ours, allowed_along(at), strict=True)
        ]
    visible = [order for order in orders if not np.isnan(order)]
    if not visible:
        return Finding("Taylor remainder", "float64", None, note="not told from roundoff")
    order = float(np.median(visible))
    note = f"of order {order:.2f} along {len(visible)} of {len(orders)} lines"
    return Finding("Taylor remainder", "float64", order > ORDER, note=note)


def allowed_along(at: Evaluated) -> np.ndarray:
    """What the slope along each direction may be off from that of central differences."""
    errors = np.array([richardson(line).error for line in at.lines])
    return SETTLED * errors + TOLERANCE * np.asarray(at.deviation.slopes)


def against_float64(points: Sequence[Evaluated], precision: str) -> Finding:
    """The gradient in a lower precision against autodiff's in float64 at the same points."""
    compared = []
    for at in points:
        deviation = at.deviation.analytic
        tolerance = allowed(deviation, deviation, at.exact, precision)
        compared.append(compare(at.compiled.gradient, at.exact, tolerance, precision))
    return worst("float64", precision, points, compared)


def compiled_against_eager(points: Sequence[Evaluated], precision: str) -> Finding:
    """What compiled programs compute against the same operations one by one."""
    compared = []
    for at in points:
        deviation = Values(*at.deviation[:2])
        tolerance = allowed(deviation, deviation, at.eager, precision)
        compared.append(compare(at.compiled, at.eager, tolerance, precision))
    return worst("jit / eager", precision, points, compared)


def batched_against_loop(
    points: Sequence[Evaluated], precision: str, batched: Gradients
) -> Finding:
    """The gradients at all points at once against those at one after the other."""
    compared = []
    for i, at in enumerate(points):
        loop = Gradients(at.compiled.gradient, at.reverse)
        deviation = Gradients(at.deviation.analytic, at.deviation.reverse)
        tolerance = allowed(deviation, deviation, loop, precision)
        ours = jax.tree.map(lambda leaf: leaf[i], batched)  # noqa: B023
        compared.append(compare(ours, loop, tolerance, precision))
    return worst("vmap / loop", precision, points, compared)


def repeated(points: Sequence[Evaluated], precision: str) -> Finding:
    """Whether the same call gives the same bits."""
    changed = [at.name for at in points if not at.repeats]
    note = f"other bits the second time at: {', '.join(changed)}" if changed else "the same bits"
    return Finding("the same call again", precision, not changed, note=note)


def allowed(ours: PyTree, reference: PyTree, values: PyTree, precision: str) -> PyTree:
    """What two results may differ by: a multiple of their deviations, and their last place.

    Args:
        ours: The standard deviation of the one from rounding.
        reference: That of the other.
        values: The reference itself.
        precision: The dtype.

    Returns:
        The tolerance of each coordinate.
    """
    eps = float(jnp.finfo(precision).eps)

    def leaf(a: Any, b: Any, value: Any) -> Any:
        return TOLERANCE * np.hypot(a, b) + eps * np.abs(np.asarray(value, np.float64))

    return jax.tree.map(leaf, ours, reference, values)


def largest(tree: PyTree) -> float:
    """The largest magnitude in a pytree."""
    return max(float(np.max(np.abs(leaf), initial=0)) for leaf in jax.tree.leaves(tree))


def worst(
    check: str,
    precision: str,
    points: Sequence[Evaluated],
    compared: Sequence[Comparison],
    *,
    along: bool = False,
) -> Finding:
    """The finding of the point where a comparison was worst."""
    excess = [comparison.excess for comparison in compared]
    i = int(np.argmax(excess))
    place = f"{points[i].name}, direction" if along else points[i].name
    return Finding(check, precision, all(c.passes for c in compared), place, compared[i])
