"""Combines the verdict on the formula of a gradient with the comparisons of its numbers."""

import functools
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.draws import Point
from mnist_jax.gradcheck.formula import Formula, judge
from mnist_jax.gradcheck.functions import own_copies
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Program, Programs, Returns
from mnist_jax.gradcheck.tuning import FORMULA, REFUTED, ROUNDED, SINGLE, WITNESSED

# checks that compare formulas up to rounding
OF_FORMULAS = {"reverse mode", "forward mode"}
# checks that need a correct autodiff
WITH_AUTODIFF = {*OF_FORMULAS, "float64", "lost to rounding"}
# checks that see a difference of the data
WITH_DATA = {*OF_FORMULAS, "central differences"}


def judge_formula(programs: Programs, points: Sequence[Point], returns: Returns) -> Formula:
    """Judges the formula of a gradient at all points in ball arithmetic."""
    loss = programs.loss
    if not isinstance(loss, Program) or programs.without:
        return Formula("not told", note="the loss has no gradient by autodiff")
    traced, value = loss.traced, programs.value
    reverse = _outputs(traced.closed, 1)
    gradient: Any = _of_flat(points[0].problem, returns, traced.takes)
    if isinstance(programs.hand, Program):
        if programs.hand.traced.takes != traced.takes:
            return Formula(
                "not told", note="the loss and the gradient were traced with different inputs"
            )
        gradient = _outputs(programs.hand.traced.closed, int(returns.has_value))
    places = [traced.inputs(jax.tree.leaves(point.problem.arguments)) for point in points]
    if not all(isinstance(x.dtype, np.dtype) for x in places[0]):
        return Formula("not told", note="random keys have no ball arithmetic")
    moving = list(range(len(reverse.jaxpr.outvars)))
    arrays = [[np.asarray(x) for x in place] for place in places]
    try:
        return judge(
            reverse,
            gradient,
            arrays,
            # the loss without derivative rules, if it takes the same inputs
            loss=value.closed if value and value.takes == traced.takes else None,
            argnums=moving,
            seconds=FORMULA,
        )
    except Exception as error:  # a user's function may raise anything on balls
        return Formula("not told", note=f"{type(error).__name__}: {error}")


def _outputs(closed: Any, first: int) -> Any:
    return closed.replace(jaxpr=closed.jaxpr.replace(outvars=closed.jaxpr.outvars[first:]))


def _of_flat(problem: Problem, returns: Returns, takes: tuple[int, ...]) -> Any:
    """Returns the hand-written gradient as a function of flat inputs, for arrays of balls."""
    leaves, tree = jax.tree.flatten(problem.arguments)

    @functools.wraps(problem.gradient, (), ())  # balls look at the modules of the user's function
    def gradient(*inputs: Any) -> list[Any]:
        filled = own_copies(leaves)
        for i, value in zip(takes, inputs, strict=True):
            filled[i] = value.copy()
        result = problem.gradient(*jax.tree.unflatten(tree, filled))
        return jax.tree.leaves(result[1] if returns.has_value else result)

    return gradient


def reconcile(findings: list[Finding], formula: Formula) -> list[Finding]:
    """Revises the findings in the light of the verdict on the formula.

    A correct formula with large rounding errors is not a wrong gradient. If the formulas are equal,
    errors of the size of rounding are inconclusive, and *lost to rounding* judges them. So are
    errors that the rounding of float32 data explains. If the values of the loss refute autodiff and
    confirm the gradient, all comparisons with autodiff are inconclusive.
    """
    if formula.verdict != "equal":
        return findings
    if formula.autodiff == "wrong":
        note = "the values of the loss refute autodiff"
        return [
            Finding(found.check, found.precision, None, note=note)
            if found.check in WITH_AUTODIFF
            else found
            for found in findings
        ]
    note, checks, most = "the formulas are equal: rounding explains the error", OF_FORMULAS, ROUNDED
    if formula.digits < WITNESSED:
        note, checks, most = "rounding of the data explains the error", WITH_DATA, SINGLE
    return [
        found._replace(passes=None, note=note) if _below(found, checks, most) else found
        for found in findings
    ]


def _below(found: Finding, checks: Collection[str], most: float) -> bool:
    """Returns whether one of these checks failed in float64 with a smaller relative error."""
    failed = found.check in checks and found.precision == "float64" and found.passes is False
    return failed and found.comparison is not None and found.comparison.relative < most


def limited_by_data(formula: Formula) -> Iterator[str]:
    """States how far the gradients agree if the data limit it to fewer digits than float64 has."""
    if formula.verdict == "equal" and formula.digits < REFUTED:
        yield (
            f"the gradient agrees with autodiff to {formula.digits:.0f} digits, as far as the "
            "rounding of the data allows; if the loss and the gradient hold their data in "
            "different precisions, use float64 in both"
        )
