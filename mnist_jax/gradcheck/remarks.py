"""Sentences about what a check could not compare, or compared in another way."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from mnist_jax.gradcheck.by_values import ODD_AUTODIFF
from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.draws import Point
from mnist_jax.gradcheck.formula import Formula
from mnist_jax.gradcheck.points import Evaluated
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Program, Programs


def not_finite(at: list[Evaluated], precision: str) -> Iterator[Finding]:
    """Yields a finding if the loss is not finite at the given point."""
    for each in at:
        loss = each.values.loss
        if each.point.name == "given" and not np.isfinite(loss):
            note = (
                f"the loss is {loss} at the point given in {precision}: a logarithm or a root of "
                "something that is not positive, a division by zero, or an exponential that "
                "overflows? The gradient can't be judged there"
            )
            yield Finding("loss", precision, False, note=note)


def skipped(at: list[Evaluated], usable: list[Evaluated], precision: str) -> Iterator[str]:
    """Names the drawn points that were skipped because a value is not finite there."""
    kept = {each.point.name for each in usable}
    names = [e.point.name for e in at if e.point.name not in kept and e.point.name != "given"]
    if names:
        yield f"not finite in {precision} at {', '.join(names)}: not compared there"


def refuted(formula: Formula) -> Iterator[str]:
    """States that autodiff of the loss is wrong and the gradient is correct, if that is proved."""
    if formula.verdict == "equal" and formula.autodiff == "wrong":
        yield f"jax.grad of the loss is wrong: {ODD_AUTODIFF}"


def remarks_on(
    problem: Problem,
    programs: dict[str, Programs],
    points: list[Point],
    evaluated: dict[str, list[Evaluated]],
    findings: Sequence[Finding],
) -> Iterator[str]:
    """States what was compared without autodiff, or at changed arguments."""
    double = programs["float64"]
    if double.without:
        yield f"{double.without}: the gradient was compared with the values of the loss alone"
    elif not isinstance(double.hand, Program):
        yield "the gradient can't be traced by JAX: it was called as it is, without compilation"
    changed = [point.changed for point in points if point.changed]
    if changed:
        yield f"also checked with {changed[0]}, because the given value hides mistakes"
    by_values = [f.passes for f in findings if f.check == "central differences"]
    agree = ", where the values of the loss agree with the hand-written one" * all(by_values)
    for at in evaluated.get("float64", []):
        reverse = at.values.reverse
        if reverse is not None and not all(
            np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(reverse)
        ):
            yield (
                f"autodiff's gradient is not finite at the point {at.point.name}{agree}: "
                "a where, norm, root, logarithm or exponential in the loss has no finite "
                "derivative in the branch that is not taken; put the where inside it too "
                "(jnp.where before jnp.sqrt), or use a stable form "
                "such as jax.nn.logsumexp or jax.scipy.special.xlogy"
            )
    low = {
        str(x.dtype)
        for x in jax.tree.leaves(problem.differentiated)
        if np.dtype(getattr(x, "dtype", "float64")).itemsize < 4
    }
    if low:
        yield f"the argument is {', '.join(low)}: it was checked in float32 and float64 instead"
