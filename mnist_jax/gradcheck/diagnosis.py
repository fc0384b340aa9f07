"""What a check that failed says, in words: who is wrong, and in which way."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jaxtyping import PyTree

from mnist_jax.gradcheck.differences import one_sided
from mnist_jax.gradcheck.findings import allowed
from mnist_jax.gradcheck.mistakes import Leaf, explain
from mnist_jax.gradcheck.points import Evaluated
from mnist_jax.gradcheck.problem import Problem, stack
from mnist_jax.gradcheck.report import Finding

# one-sided slopes that differ by more, relative to the larger one, are not of a smooth loss
KINK = 0.05


def diagnose(
    problem: Problem, findings: Sequence[Finding], evaluated: dict[str, list[Evaluated]]
) -> list[str]:
    """What is wrong, in words.

    Args:
        problem: In float64.
        findings: Of every check.
        evaluated: Precision to what was computed at each point.

    Returns:
        Sentences; none if every check passed.
    """
    failed = {(found.check, found.precision) for found in findings if found.passes is False}
    wrong_in = [precision for precision in evaluated if ("reverse mode", precision) in failed]
    by_values = ("central differences", "float64") in failed
    said = [TOO_ROUGH] if any(check == "lost to rounding" for check, _ in failed) else []
    if all(f.passes is None for f in findings if f.check == "reverse mode"):
        said.append(HIDDEN)
    if not wrong_in:
        if any(faulty(found) for found in findings):
            return [*said, PLATFORM]
        return [*said, find_kink(evaluated["float64"]) or ODD_VALUES] if by_values else said
    if (kink := find_kink(evaluated.get("float64", []))) is not None:
        return [*said, kink]
    if wrong_in == ["float32"] and "float64" in evaluated:
        said.append(ONLY_SINGLE)
    if "float64" in wrong_in and not by_values:
        said.append(ODD_AUTODIFF)
    precision = wrong_in[-1]
    return said + explain(list(leaves_of(problem, evaluated[precision], precision)), problem)


HIDDEN = (
    "rounding hides the gradient at every point, so that a wrong one would pass too: scale the "
    "problem, or move the point"
)
TOO_ROUGH = (
    "the gradient's formula loses digits to rounding that autodiff keeps: look for a difference of "
    "large numbers"
)
PLATFORM = (
    "what is computed depends on how: compiled programs differ from the same operations one by "
    "one, or batches from single points. This is a fault of the compiler or the platform, or a "
    "function that is not pure"
)
ODD_VALUES = (
    "the gradient and autodiff agree with each other, but not with the values of the loss: look "
    "for a derivative rule that both follow, or a loss that jumps"
)
ODD_AUTODIFF = (
    "the values of the loss agree with the hand-written gradient and not with autodiff: look for a "
    "wrong derivative rule or a stop_gradient in the loss"
)
ONLY_SINGLE = (
    "the gradient is right in float64 and wrong in float32: a formula overflows or loses digits"
)


def faulty(found: Finding) -> bool:
    """Whether two ways to compute the same finite numbers differ."""
    same = found.check in {"jit / eager", "vmap / loop"}
    if not same or found.passes is not False or found.comparison is None:
        return False
    return bool(np.isfinite(found.comparison.absolute))


def find_kink(points: Sequence[Evaluated]) -> str | None:
    """Says where the loss has no derivative, if its slopes to both sides differ somewhere."""
    for at in points:
        for line in at.lines:
            ahead, behind = one_sided(line)
            if abs(ahead - behind) > KINK * max(abs(ahead), abs(behind)):
                return (
                    f"the loss has a kink at the point {at.name}: along a direction its slope is "
                    f"{ahead:.4g} ahead and {behind:.4g} behind; no gradient is right there, so "
                    "move the point"
                )
    return None


def leaves_of(problem: Problem, points: list[Evaluated], precision: str) -> Iterator[Leaf]:
    """The leaves of the gradient, each at all points."""
    paths = jax.tree.leaves_with_path(problem.differentiated)
    trees = (
        [at.compiled.gradient for at in points],
        [at.reverse for at in points],
        [
            allowed(at.deviation.analytic, at.deviation.reverse, at.reverse, precision)
            for at in points
        ],
        [at.point for at in points],
    )
    stacked = [jax.tree.leaves(cast_up(stack(each))) for each in trees]
    for (path, _), *arrays in zip(paths, *stacked, strict=True):
        yield Leaf(f"{problem.name(problem.argnum)}{jax.tree_util.keystr(path)}", *arrays)


def cast_up(tree: PyTree) -> PyTree:
    """A pytree in NumPy's float64."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)
