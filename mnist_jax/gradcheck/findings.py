"""The checks of a gradient, each from the evaluations at all points to a finding."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax.gradcheck.comparison import Finding, compare
from mnist_jax.gradcheck.differences import richardson, taylor_order
from mnist_jax.gradcheck.directions import slopes
from mnist_jax.gradcheck.points import Evaluated, batched
from mnist_jax.gradcheck.precisions import roundoff_of_data
from mnist_jax.gradcheck.programs import Programs
from mnist_jax.gradcheck.tolerance import (
    allowed,
    allowed_along,
    allowed_by_reverse,
    known,
    largest,
)
from mnist_jax.gradcheck.tuning import LOST, ORDER, UNRESOLVED

Compared = tuple[Any, Any, Any]


def compare_all(points: Sequence[Evaluated], programs: Programs) -> Iterator[Finding]:
    """Makes all checks in one precision, at the points where the loss is finite."""
    precision, without = programs.precision, programs.without
    double = precision == "float64"

    def compared(check: str, numbers: Callable[[Evaluated], Compared], **how: Any) -> Finding:
        return worst(check, precision, points, numbers, **how)

    if without:
        yield Finding("reverse mode", precision, None, note=without)
    else:
        hidden = "the gradient at every point"
        yield compared("reverse mode", lambda at: _reverse(at, precision), hidden=hidden)
        yield lost_digits(points, precision, roundoff_of_data(programs))
    if double and not without:
        if any(at.forward is None for at in points):
            note = "no forward mode, or one that takes long"
            yield Finding("forward mode", precision, None, note=note)
        else:
            yield compared("forward mode", _forward, along=True)
    if double:
        yield compared("central differences", _differences, along=True, hidden="the slopes")
        yield taylor(points)
    elif not without:
        yield compared("float64", lambda at: _float64(at, precision))
    if any(leaf is not None for at in points for leaf in at.exact):
        yield compared("jit / eager", lambda at: _compiled(at, precision))
    alike = [at for at in points if not at.point.changed and at.finite]
    together = batched(programs, alike) if double and alike else None
    if together is not None:
        names = [at.point.name for at in alike]
        yield worst(
            "vmap / loop",
            precision,
            alike,
            lambda at: _batched(at, together, names.index(at.point.name)),
        )
    if points[0].value is not None:
        yield compared("value", lambda at: _value(at, precision))
    changed = [at.point.name for at in points if not at.repeats]
    note = f"different numbers at: {', '.join(changed)}" if changed else "the same"
    yield Finding("the same call again", precision, not changed, note=note)


def worst(
    check: str,
    precision: str,
    points: Sequence[Evaluated],
    numbers: Callable[[Evaluated], Compared],
    *,
    along: bool = False,
    hidden: str = "",
) -> Finding:
    """Compares numbers at all points, and returns the finding of the point with the largest error.

    Args:
        check: Name of the check.
        precision: Name of the dtype.
        points: Evaluations at each point.
        numbers: Function from an evaluation to what is compared: ours, the reference, the
            tolerance.
        along: Whether the numbers are slopes along directions.
        hidden: Name of what the check can't see if rounding hides it at every point; empty if the
            check is conclusive then too.

    Returns:
        The finding.
    """
    found = [compare(*numbers(at), precision) for at in points]
    i = int(np.argmax([comparison.excess for comparison in found]))
    place = f"{points[i].point.name}, direction" if along else points[i].point.name
    passes = all(c.passes for c in found)
    if hidden and passes and min(c.resolution for c in found) > UNRESOLVED:
        note = f"inconclusive: rounding hides {hidden}"
        return Finding(check, precision, None, place, found[i], note)
    return Finding(check, precision, passes, place, found[i])


def _reverse(at: Evaluated, precision: str) -> Compared:
    hand = at.values.hand
    return hand, known(at.values.reverse, hand), allowed_by_reverse(at, precision)


def _float64(at: Evaluated, precision: str) -> Compared:
    hand = at.values.hand
    return hand, known(at.exact.reverse, hand), allowed_by_reverse(at, precision)


def _forward(at: Evaluated) -> Compared:
    ours, deviation = slopes(at.values.hand, at.directions), at.deviation
    forward = deviation.slopes if deviation.forward is None else deviation.forward
    tolerance = allowed(deviation.slopes, forward, at.forward, "float64")
    # a gradient of whole numbers does not round, but its slope is a sum that does
    sizes = slopes(*(jax.tree.map(np.abs, each) for each in (at.values.hand, at.directions)))
    return ours, known(at.forward, ours), tolerance + np.finfo(np.float64).eps * sizes


def _differences(at: Evaluated) -> Compared:
    ours = slopes(at.values.hand, at.directions)[: len(at.lines)]
    reference = np.array([richardson(line).derivative for line in at.lines])
    return ours, reference, allowed_along(at)


def _compiled(at: Evaluated, precision: str) -> Compared:
    deviation = (at.deviation.loss, at.deviation.hand, at.deviation.reverse)
    both = [
        (ours, exact, allowed(d, d, exact, precision))
        for ours, exact, d in zip(at.values, at.exact, deviation, strict=True)
        if exact is not None and ours is not None
    ]
    ours, exact, tolerance = zip(*both, strict=True)
    # skip coordinates that are not finite in both: these are no fault of the platform
    ours, exact = (
        jax.tree.map(lambda a, b: np.where(np.isfinite(a) & np.isfinite(b), a, 0.0), *pair)
        for pair in ((ours, exact), (exact, ours))
    )
    return ours, exact, tolerance


def _batched(at: Evaluated, together: Any, number: int) -> Compared:
    ours, deviation = jax.tree.map(lambda leaf: leaf[number], together), at.deviation.hand
    return ours, at.exact.hand, allowed(deviation, deviation, at.exact.hand, "float64")


def _value(at: Evaluated, precision: str) -> Compared:
    loss = at.values.loss
    deviation = np.hypot(at.deviation.loss, float(jnp.finfo(precision).eps) * abs(loss))
    return at.value, loss, allowed(deviation, deviation, loss, precision)


def lost_digits(points: Sequence[Evaluated], precision: str, unit: float) -> Finding:
    """Counts the digits that the hand-written gradient loses to rounding in excess of autodiff.

    The digits are counted at the point where the gradient is largest. In saturation, autodiff may
    keep digits of a gradient that is negligible compared with the terms that cancel. The errors are
    relative to the size of each gradient, so that a wrong factor does not count as lost digits.
    Errors below the unit of roundoff of the data do not count either, since no formula avoids them.
    """
    at = max(points, key=lambda at: np.nan_to_num(largest(at.values.reverse), posinf=0.0))
    sizes = [largest(each) for each in (at.values.hand, at.values.reverse)]
    losses = [largest(each) for each in (at.deviation.hand, at.deviation.reverse)]
    if not all(np.isfinite([*sizes, *losses])):
        return Finding("lost to rounding", precision, None, note="inconclusive: not finite")
    if not all(sizes):
        return Finding("lost to rounding", precision, None, note="inconclusive: the gradient is 0")
    ours, theirs = (max(loss / size, unit) for loss, size in zip(losses, sizes, strict=True))
    lost = np.log10(max(ours / theirs, 1.0))
    note = (
        f"as accurate as autodiff at {at.point.name}"
        if lost < 0.05
        else f"loses {lost:.1f} digits more than autodiff at {at.point.name}"
    )
    return Finding("lost to rounding", precision, bool(lost <= LOST), note=note)


def taylor(points: Sequence[Evaluated]) -> Finding:
    """Computes the median order of the Taylor remainder over points and directions, in float64."""
    orders = []
    for at in points:
        ours = slopes(at.values.hand, at.directions)
        orders += [
            taylor_order(*each) for each in zip(at.lines, ours, allowed_along(at), strict=False)
        ]
    visible = [order for order in orders if not np.isnan(order)]
    if not visible:
        note = "indistinguishable from rounding error"
        return Finding("Taylor remainder", "float64", None, note=note)
    order = float(np.median(visible))
    note = f"of order {order:.2f} along {len(visible)} of {len(orders)} lines"
    return Finding("Taylor remainder", "float64", order > ORDER, note=note)
