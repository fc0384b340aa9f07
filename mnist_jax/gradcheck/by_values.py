"""Compares gradients with the values of the loss, independently of autodiff."""

from collections.abc import Sequence

import jax
import numpy as np

from mnist_jax.gradcheck.differences import Line, one_sided, richardson
from mnist_jax.gradcheck.directions import line_along, slopes
from mnist_jax.gradcheck.mistakes.explain import explain
from mnist_jax.gradcheck.mistakes.leaf import Leaf
from mnist_jax.gradcheck.points import Evaluated
from mnist_jax.gradcheck.programs import Programs
from mnist_jax.gradcheck.tolerance import agrees
from mnist_jax.gradcheck.tuning import COORDINATES, KINK, STEADY


def arbitrate(programs: Programs, points: Sequence[Evaluated]) -> str:
    """Decides between two gradients by the values of the loss, where they differ most."""
    at = next((p for p in points if not agrees(p, "float64") and p.finite), None)
    if at is None:
        return ""
    apart = jax.tree.map(np.subtract, at.values.hand, at.values.reverse)
    length = np.sqrt(sum(float(np.sum(leaf**2)) for leaf in jax.tree.leaves(apart)))
    if not length or not np.isfinite(length):
        return ""
    size = max(
        float(np.abs(x).max(initial=0)) for x in jax.tree.leaves(at.point.problem.differentiated)
    )
    direction = jax.tree.map(lambda leaf: leaf / length * (size or 1.0), apart)
    noise = at.lines[0].noise if at.lines else 0.0
    line = line_along(programs, at.point.problem, direction, noise)
    found = richardson(line)
    stacked = jax.tree.map(lambda leaf: leaf[None], direction)
    ours, theirs = (
        float(slopes(gradient, stacked)[0]) for gradient in (at.values.hand, at.values.reverse)
    )
    if not found.error < 0.1 * abs(ours - theirs):
        return ""
    near_ours, near_theirs = (
        abs(s - found.derivative) < 0.3 * abs(ours - theirs) for s in (ours, theirs)
    )
    if near_ours:
        return ODD_AUTODIFF
    return "" if near_theirs else ODD_BOTH


def from_values_alone(programs: Programs, at: Evaluated) -> list[str]:
    """Names the mistake by comparing with a gradient computed from values of the loss."""
    problem = at.point.problem
    leaves, tree = jax.tree.flatten(problem.differentiated)
    sizes = [int(np.size(leaf)) for leaf in leaves]
    if sum(sizes) > COORDINATES:
        return ["the values of the loss do not agree with the gradient"]
    reference, error = np.zeros(sum(sizes)), np.zeros(sum(sizes))
    for i in range(sum(sizes)):
        unit = np.eye(1, sum(sizes), i)[0]
        parts = np.split(unit, np.cumsum(sizes)[:-1])
        direction = jax.tree.unflatten(
            tree, [p.reshape(np.shape(x)) for p, x in zip(parts, leaves, strict=True)]
        )
        reference[i], error[i] = richardson(line_along(programs, problem, direction, 0.0))

    def shaped(values: np.ndarray) -> list[np.ndarray]:
        parts = np.split(values, np.cumsum(sizes)[:-1])
        return [p.reshape((1, *np.shape(x))) for p, x in zip(parts, leaves, strict=True)]

    ours = [leaf[None] for leaf in jax.tree.leaves(at.values.hand)]
    weights = [np.asarray(leaf, np.float64)[None] for leaf in leaves]
    tolerance = 8 * error + 1e-12 * np.abs(reference).max()
    rows = zip(problem.names, ours, shaped(reference), shaped(tolerance), weights, strict=True)
    found = explain([Leaf(*row) for row in rows], [problem], None)
    return [each.replace("autodiff's", "what the values of the loss give") for each in found] or [
        "the values of the loss do not agree with the gradient"
    ]


def find_kink(points: Sequence[Evaluated]) -> str | None:
    """Describes a kink of the loss: a point where its slopes on the two sides differ.

    The difference must be large compared with the slopes elsewhere, and equal at two steps. This
    excludes smooth curvature and step functions.

    Returns:
        A sentence; None if no kink is found.
    """
    sides = [one_sided(line) for at in points for line in at.lines]
    largest = max((abs(s) for pair in sides for s in pair if np.isfinite(s)), default=0.0)
    for at in points:
        for line in at.lines:
            ahead, behind = one_sided(line)
            jump = ahead - behind
            if not abs(jump) > KINK * max(abs(ahead), abs(behind), KINK * largest):
                continue
            if abs(_jump(line, 6) - jump) < STEADY * abs(jump) and abs(jump) > KINK * abs(
                _jump(line, 4)
            ):
                return (
                    f"the loss has a kink at the point {at.point.name}: along a direction its "
                    f"slope is {ahead:.4g} ahead and {behind:.4g} behind; no gradient is right "
                    "there, so move the point"
                )
    return None


def _jump(line: Line, step: int) -> float:
    second = line.ahead[step] - 2 * line.here + line.behind[step]
    return float(second / line.steps[step])


ODD_AUTODIFF = (
    "the values of the loss agree with the hand-written gradient and not with autodiff: look for a "
    "wrong derivative rule or a stop_gradient in the loss"
)
ODD_BOTH = (
    "the values of the loss agree neither with the hand-written gradient nor with autodiff: look "
    "for a stop_gradient, a wrong derivative rule or a jump in the loss"
)
