"""Explains failed checks."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np

from mnist_jax.gradcheck.by_values import arbitrate, find_kink, from_values_alone
from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.draws import is_symmetric
from mnist_jax.gradcheck.loops import until_convergence
from mnist_jax.gradcheck.mistakes.explain import explain
from mnist_jax.gradcheck.mistakes.leaf import Leaf
from mnist_jax.gradcheck.points import Evaluated
from mnist_jax.gradcheck.problem import Problem, stack
from mnist_jax.gradcheck.programs import Programs, in_float64
from mnist_jax.gradcheck.tolerance import agrees, allowed_by_reverse
from mnist_jax.gradcheck.tuning import LOOSE


class Evidence(NamedTuple):
    """Results of the checks, the input of a diagnosis.

    Attributes:
        problem: Problem at the given arguments, in float64.
        findings: Findings of all checks.
        evaluated: Evaluations at each point where the loss is finite, by precision.
        programs: Programs of the functions, by precision.
    """

    problem: Problem
    findings: Sequence[Finding]
    evaluated: dict[str, list[Evaluated]]
    programs: dict[str, Programs]

    def failed(self, check: str) -> list[str]:
        """Returns the precisions in which a check failed."""
        return [f.precision for f in self.findings if f.check == check and f.passes is False]


def diagnose(evidence: Evidence) -> list[str]:
    """Explains what is wrong, and what could not be judged, the most important first."""
    sentences = list(_diagnose(evidence))
    if not sentences and any(found.passes is False for found in evidence.findings):
        failed = {f"{f.check} in {f.precision}" for f in evidence.findings if f.passes is False}
        sentences.append(f"fails: {', '.join(sorted(failed))}; see the table for where")
    return sentences


def _diagnose(evidence: Evidence) -> Iterator[str]:
    for found in evidence.findings:
        if found.check in {"loss", "own precision"} and found.passes is False:
            yield found.note
    if evidence.failed("loss"):
        return
    if evidence.failed("the same call again"):
        yield NOT_PURE
    else:
        yield from _compared(evidence)


def _compared(evidence: Evidence) -> Iterator[str]:
    if _unconverged(evidence):
        yield UNCONVERGED
        return
    failed = evidence.failed
    platform = any(_faulty(found) for found in evidence.findings)
    wrong_in = failed("reverse mode") or ([] if platform else failed("float64"))
    by_values = bool(failed("central differences") or failed("Taylor remainder"))
    if failed("own precision") and not _beyond_single(evidence):
        return
    if failed("value"):
        yield "the value that the gradient returns is not the loss's: " + _worst(evidence, "value")
    if not wrong_in:
        if platform:
            yield PLATFORM
        elif by_values:
            yield _by_values(evidence)
    else:
        yield from _wrong(evidence, wrong_in)
    if failed("lost to rounding"):
        yield TOO_ROUGH
    inconclusive = [f for f in evidence.findings if f.note.startswith("inconclusive: rounding")]
    if inconclusive and not wrong_in and _nothing_told(evidence):
        yield HIDDEN


def _wrong(evidence: Evidence, wrong_in: list[str]) -> Iterator[str]:
    at = evidence.evaluated.get("float64", [])
    if (kink := find_kink(at)) is not None:
        yield kink
        return
    if wrong_in == ["float32"] and at:
        yield from _only_in_float32(evidence)
        return
    precision = wrong_in[-1]
    points = evidence.evaluated[precision]
    if (given_only := _symmetric_only(evidence, points, precision)) is not None:
        yield given_only
        return
    by_values = arbitrate(evidence.programs[precision], points) if precision == "float64" else ""
    if by_values:
        yield by_values
        return
    yield from _explained(evidence, points, precision)
    passing = [p for p in points if agrees(p, precision)]
    if passing and len(passing) < len(points):
        named = ", ".join(p.point.name for p in passing)
        changed = [p.point.changed for p in points if p not in passing and p.point.changed]
        also = f", where {changed[0]}" if changed and len(passing) == len(points) - 1 else ""
        wrong = ", ".join(p.point.name for p in points if p not in passing)
        yield f"it passes at the point {named}, and fails at {wrong}{also}"


def _explained(evidence: Evidence, points: list[Evaluated], precision: str) -> list[str]:
    leaves = list(leaves_of(evidence.problem, points, precision))
    places = [at.point.problem for at in points]
    if precision != "float64":
        with jax.enable_x64(True):
            places = [place.cast("float64") for place in places]
    return explain(leaves, places, evidence.programs.get(precision))


def _only_in_float32(evidence: Evidence) -> Iterator[str]:
    yield ONLY_SINGLE
    points = evidence.evaluated["float32"]
    for at in points:
        bad = [leaf for leaf in jax.tree.leaves(at.values.hand) if not np.all(np.isfinite(leaf))]
        if bad:
            yield f"at the point {at.point.name} it is not finite in float32"
            return


def _symmetric_only(evidence: Evidence, points: list[Evaluated], precision: str) -> str | None:
    """Explains a gradient that is correct only where a matrix is symmetric; None otherwise."""
    pairs = list(
        zip(evidence.problem.names, jax.tree.leaves(evidence.problem.differentiated), strict=True)
    )
    names = [name for name, leaf in pairs if is_symmetric(np.asarray(leaf))]
    passing = [agrees(at, precision) for at in points]
    if not names or not passing[0] or all(passing):
        return None
    return (
        f"the gradient is right at the point given, where {names[0]} is symmetric, and wrong at "
        "drawn points, where it is not. The loss takes any matrix and sees its symmetric part "
        "alone: return the symmetric part of the gradient, or keep the points symmetric with "
        f"project=lambda {names[0]}: ({names[0]} + {names[0]}.T) / 2"
    )


def _unconverged(evidence: Evidence) -> bool:
    """Returns whether a loop until convergence may explain the errors."""
    traced = evidence.programs["float64"].loss.traced
    loop = traced is not None and until_convergence(traced.closed)
    failed = [f.comparison for f in evidence.findings if f.passes is False and f.comparison]
    return loop and bool(failed) and all(each.relative < LOOSE for each in failed)


def _beyond_single(evidence: Evidence) -> bool:
    for found in evidence.findings:
        if found.check != "reverse mode" or found.passes is not False or not found.comparison:
            continue
        if found.precision == "float32" or found.comparison.relative > 1e-5:
            return True
    return False


def _by_values(evidence: Evidence) -> str:
    at = evidence.evaluated["float64"]
    if (kink := find_kink(at)) is not None:
        return kink
    if evidence.programs["float64"].without:
        return "; ".join(from_values_alone(evidence.programs["float64"], at[0]))
    if any(not np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(at[0].values.reverse)):
        return ODD_WITHOUT
    return ODD_VALUES


def _nothing_told(evidence: Evidence) -> bool:
    reverse = [f for f in evidence.findings if f.check == "reverse mode"]
    return bool(reverse) and all(f.passes is None for f in reverse)


def _worst(evidence: Evidence, check: str) -> str:
    found = next(f for f in evidence.findings if f.check == check and f.passes is False)
    assert found.comparison
    return f"{found.comparison.value:.6g} in place of {found.comparison.reference:.6g}"


NOT_PURE = (
    "a second call with the same arguments gave different numbers: the loss or the gradient is "
    "not a pure function. It draws random numbers, changes its arguments in place, or depends on a "
    "value that changes"
)
HIDDEN = (
    "rounding hides the gradient at every point, so the check is inconclusive: a wrong gradient "
    "would pass too. Scale the problem, or choose another point"
)
UNCONVERGED = (
    "the gradient is right up to a small error. A loop in the loss stops at a tolerance, which may "
    "explain the error: lower the tolerance and check again"
)
TOO_ROUGH = (
    "the gradient's formula loses digits to rounding that autodiff keeps: look for a difference of "
    "large numbers"
)
PLATFORM = (
    "compiled programs and the same operations one by one give different results. This is a fault "
    "of the compiler or the platform, or a function that is not pure"
)
ODD_VALUES = (
    "the gradient and autodiff agree with each other, but not with the values of the loss: look "
    "for a derivative rule that both follow, or a loss that jumps"
)
ODD_WITHOUT = (
    "autodiff's gradient is not finite, and the values of the loss do not agree with the "
    "hand-written one"
)
ONLY_SINGLE = (
    "the gradient is right in float64 and wrong in float32: a formula overflows or loses digits"
)


def _faulty(found: Finding) -> bool:
    same = found.check in {"jit / eager", "vmap / loop"}
    if not same or found.passes is not False or found.comparison is None:
        return False
    return bool(np.isfinite(found.comparison.absolute))


def leaves_of(problem: Problem, points: list[Evaluated], precision: str) -> Iterator[Leaf]:
    """Yields the leaves of the gradient, each with its values at all points."""
    trees = (
        [at.values.hand for at in points],
        [at.values.reverse for at in points],
        [allowed_by_reverse(at, precision) for at in points],
        [at.point.problem.differentiated for at in points],
    )
    stacked = [jax.tree.leaves(in_float64(stack(each))) for each in trees]
    for name, *arrays in zip(problem.names, *stacked, strict=True):
        yield Leaf(name, *arrays)
