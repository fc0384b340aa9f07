"""All equations of the report, each with its verdict."""

from mnist_jax.derivation import logistic, penalty, softmax, softmax_jacobian
from mnist_jax.derivation.equation import Equation
from mnist_jax.derivation.judging import Judgement, default_problems, judge_all
from mnist_jax.derivation.problem import Task

EQUATIONS: dict[Task, tuple[Equation, ...]] = {
    "1a": logistic.EQUATIONS,
    "1b": (
        *softmax.EQUATIONS_1_TO_4,
        *softmax_jacobian.EQUATIONS,
        *softmax.EQUATIONS_10_TO_23,
    ),
    "4a": penalty.EQUATIONS,
}
"""Equations of each task, in the report's order."""


def ledger() -> list[Judgement]:
    """Judge every equation of the report.

    Returns:
        The judgements, in the report's order.

    Example:
        >>> [judgement.equation.number for judgement in ledger() if judgement.verdict == "empty"]
        ['17', '20']
    """
    return [
        judgement
        for task, equations in EQUATIONS.items()
        for judgement in judge_all(equations, default_problems(task))
    ]
