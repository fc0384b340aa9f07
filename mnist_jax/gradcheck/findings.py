"""One function for each kind of check, from the evaluations at all points to a finding."""

from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from mnist_jax.gradcheck.comparison import Comparison, compare
from mnist_jax.gradcheck.differences import richardson, taylor_order
from mnist_jax.gradcheck.directions import slopes
from mnist_jax.gradcheck.finding import Finding
from mnist_jax.gradcheck.points import Evaluated, batched
from mnist_jax.gradcheck.programs import Programs
from mnist_jax.gradcheck.tolerance import (
    allowed,
    allowed_along,
    allowed_by_reverse,
    known,
    largest,
)

# number of digits that a gradient may lose to rounding in excess of autodiff
LOST = 2.0
# relative tolerance above which a comparison is inconclusive
UNRESOLVED = 0.1
# threshold between the order of the remainder of a correct gradient, 2, and of a wrong one, 1
ORDER = 1.5


def judge(points: Sequence[Evaluated], programs: Programs) -> Iterator[Finding]:
    """Makes all checks in one precision.

    Args:
        points: Evaluations at each point where the loss is finite.
        programs: Programs that computed them.

    Yields:
        A finding for each check.
    """
    precision, without = programs.precision, programs.without
    if without:
        yield Finding("reverse mode", precision, None, note=without)
    else:
        yield against_reverse(points, precision)
        yield lost_digits(points, precision)
    if precision == "float64":
        if not without:
            yield against_forward(points)
        yield against_differences(points)
        yield against_taylor(points)
    elif not without:
        yield against_float64(points, precision)
    yield from compiled_against_exact(points, precision)
    if precision == "float64":
        alike = [at for at in points if not at.point.changed and at.finite]
        together = batched(programs, alike) if alike else None
        if together is not None:
            yield batched_against_loop(alike, precision, together)
    if points[0].value is not None:
        yield value_against_loss(points, precision)
    yield repeated(points, precision)


def against_reverse(points: Sequence[Evaluated], precision: str) -> Finding:
    """Compares the hand-written gradient with reverse mode, coordinate by coordinate."""

    def compared(at: Evaluated) -> Comparison:
        hand, reverse = at.values.hand, known(at.values.reverse, at.values.hand)
        return compare(hand, reverse, allowed_by_reverse(at, precision), precision)

    each = [compared(at) for at in points]
    found = worst("reverse mode", precision, points, each)
    if found.passes and min(c.resolution for c in each) > UNRESOLVED:
        note = "inconclusive: rounding hides the gradient at every point"
        return found._replace(passes=None, note=note)
    return found


def lost_digits(points: Sequence[Evaluated], precision: str) -> Finding:
    """Counts the digits that the hand-written gradient loses to rounding in excess of autodiff.

    The digits are counted at the point where the gradient is largest. In saturation, autodiff may
    keep digits of a gradient that is negligible compared with the terms that cancel. The errors are
    relative to the size of each gradient, so that a wrong factor does not count as lost digits.
    """
    unit = float(jnp.finfo(precision).eps) / 2
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


def against_forward(points: Sequence[Evaluated]) -> Finding:
    """Compares the slopes of the gradient along directions with forward mode."""
    if any(at.forward is None for at in points):
        return Finding(
            "forward mode", "float64", None, note="no forward mode, or one that takes long"
        )

    def compared(at: Evaluated) -> Comparison:
        ours = slopes(at.values.hand, at.directions)
        deviation = at.deviation
        forward = deviation.slopes if deviation.forward is None else deviation.forward
        tolerance = allowed(deviation.slopes, forward, at.forward, "float64")
        return compare(ours, known(at.forward, ours), tolerance, "float64")

    return worst("forward mode", "float64", points, [compared(at) for at in points], along=True)


def against_differences(points: Sequence[Evaluated]) -> Finding:
    """Compares the slopes along directions with extrapolated differences, in float64."""

    def compared(at: Evaluated) -> Comparison:
        ours = slopes(at.values.hand, at.directions)[: len(at.lines)]
        reference = np.array([richardson(line).derivative for line in at.lines])
        return compare(ours, reference, allowed_along(at), "float64")

    each = [compared(at) for at in points]
    found = worst("central differences", "float64", points, each, along=True)
    if found.passes and min(c.resolution for c in each) > UNRESOLVED:
        return found._replace(passes=None, note="inconclusive: rounding hides the slopes")
    return found


def against_taylor(points: Sequence[Evaluated]) -> Finding:
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


def against_float64(points: Sequence[Evaluated], precision: str) -> Finding:
    """Compares the gradient in a lower precision with autodiff without rounding."""

    def compared(at: Evaluated) -> Comparison:
        exact = known(at.exact.reverse, at.values.hand)
        return compare(at.values.hand, exact, allowed_by_reverse(at, precision), precision)

    return worst("float64", precision, points, [compared(at) for at in points])


def compiled_against_exact(points: Sequence[Evaluated], precision: str) -> Iterator[Finding]:
    """Compares the compiled programs with the same operations one by one, in NumPy."""
    if all(leaf is None for at in points for leaf in at.exact):
        return

    def compared(at: Evaluated) -> Comparison:
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
        return compare(ours, exact, tolerance, precision)

    yield worst("jit / eager", precision, points, [compared(at) for at in points])


def batched_against_loop(points: Sequence[Evaluated], precision: str, together: PyTree) -> Finding:
    """Compares the gradient at all points in one batch with one point at a time."""
    compared = []
    for i, at in enumerate(points):
        deviation = at.deviation.hand
        ours = jax.tree.map(lambda leaf: leaf[i], together)  # noqa: B023
        tolerance = allowed(deviation, deviation, at.exact.hand, precision)
        compared.append(compare(ours, at.exact.hand, tolerance, precision))
    return worst("vmap / loop", precision, points, compared)


def value_against_loss(points: Sequence[Evaluated], precision: str) -> Finding:
    """Compares the value that the hand-written gradient returns with the loss."""

    def compared(at: Evaluated) -> Comparison:
        size = abs(at.values.loss)
        deviation = np.hypot(at.deviation.loss, float(jnp.finfo(precision).eps) * size)
        tolerance = allowed(deviation, deviation, at.values.loss, precision)
        return compare(at.value, at.values.loss, tolerance, precision)

    return worst("value", precision, points, [compared(at) for at in points])


def repeated(points: Sequence[Evaluated], precision: str) -> Finding:
    """Checks that a second call returns the same numbers."""
    changed = [at.point.name for at in points if not at.repeats]
    note = f"different numbers at: {', '.join(changed)}" if changed else "the same"
    return Finding("the same call again", precision, not changed, note=note)


def worst(
    check: str,
    precision: str,
    points: Sequence[Evaluated],
    found: Sequence[Comparison],
    *,
    along: bool = False,
) -> Finding:
    """Returns the finding of the point with the largest error."""
    i = int(np.argmax([comparison.excess for comparison in found]))
    name = points[i].point.name
    place = f"{name}, direction" if along else name
    return Finding(check, precision, all(c.passes for c in found), place, found[i])
