"""Judges equations by evaluating their sides in ball arithmetic at random points."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import jax
import numpy as np

from mnist_jax.derivation import logistic, penalty, softmax, softmax_jacobian
from mnist_jax.derivation.equation import Equation, Line, Side
from mnist_jax.derivation.problem import Problem, Task, random_problems
from mnist_jax.gradcheck.arithmetic.balls import Balls, precision
from mnist_jax.gradcheck.arithmetic.interpreter import evaluate

Verdict = Literal["holds", "slip", "fails", "empty"]
"""Verdict on a line: it holds; only the corrected line holds; neither holds; nothing is printed."""

BITS = 256
BOUND = 1e-60
"""Largest relative difference of the sides of a line that holds: the accuracy of 256 bits on these
problems, with a margin."""
CLASSES = (2, 3, 10)
"""Numbers of classes K for which the lines of 1b and 4a are evaluated."""
POINTS = 16


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


class Judgement(NamedTuple):
    """An equation with its verdict.

    Attributes:
        equation: Equation.
        verdict: Verdict: `holds` if the printed line holds; `slip` if only the corrected line
            holds; `fails` if the corrected line does not hold either; `empty` if nothing is
            printed.
        deviation: Largest difference of the sides of the printed line over all problems, relative
            to the largest magnitude of either side; an upper bound if the line holds, NaN if a side
            is NaN.
        corrected_deviation: Deviation of the corrected line.
    """

    equation: Equation
    verdict: Verdict
    deviation: float | None
    corrected_deviation: float | None


def default_problems(task: Task) -> list[Problem]:
    """Draw the problems on which a task's equations are judged, for each number of classes.

    Args:
        task: Task of the report.

    Returns:
        One stack of problems for each number of classes.
    """
    sizes = (2,) if task == "1a" else CLASSES
    return [random_problems(task, POINTS, num_classes=size) for size in sizes]


def judge(equation: Equation, problems: Problem | None = None) -> Judgement:
    """Judge an equation by evaluating the printed and the corrected line.

    Args:
        equation: Equation.
        problems: Problems on which it is evaluated; by default `default_problems` of its task.

    Returns:
        The judgement.

    Example:
        >>> wrong = Line("w = 2 w", lambda p: p.weights, lambda p: 2 * p.weights)
        >>> judge(Equation("1", "1a", "an example", wrong))[1:]
        ('fails', 0.5, None)
    """
    return judge_all([equation], problems or default_problems(equation.task))[0]


def judge_all(
    equations: Sequence[Equation], problems: Problem | Sequence[Problem]
) -> list[Judgement]:
    """Judge equations of one task together, so that each side is traced once.

    Args:
        equations: Equations of one task.
        problems: Problems stacked along the first axis of each array; one stack, or one for each
            number of classes.

    Returns:
        One judgement for each equation.
    """
    stacks = [problems] if isinstance(problems, Problem) else problems
    lines = [line for equation in equations for line in (equation.printed, equation.corrected)]
    sides = [side for line in lines if line for side in (line.left, line.right)]
    values = [_evaluate(sides, stack) for stack in stacks]

    def deviation(line: Line | None) -> float | None:
        if line is None:
            return None
        return float(np.max([_deviation(of[line.left], of[line.right]) for of in values]))

    deviations = [(deviation(e.printed), deviation(e.corrected)) for e in equations]
    return [
        Judgement(equation, _verdict(*both), *both)
        for equation, both in zip(equations, deviations, strict=True)
    ]


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


def _evaluate(sides: Iterable[Side], problems: Problem) -> dict[Side, list[np.ndarray]]:
    """Evaluate the expressions of each side in balls, with a leading axis of problems."""
    unique = list(dict.fromkeys(sides))  # many lines have the same left side
    with jax.enable_x64(True):
        traced, shapes = jax.make_jaxpr(
            lambda problems: [jax.vmap(side)(problems) for side in unique], return_shape=True
        )(problems)
    balls = Balls()
    with precision(BITS):
        leaves = evaluate(traced, [balls.data(x) for x in problems], balls)
    values = jax.tree.unflatten(jax.tree.structure(shapes), leaves)
    return dict(zip(unique, map(jax.tree.leaves, values), strict=True))


def _deviation(left: list[np.ndarray], right: list[np.ndarray]) -> float:
    return float(np.max([_difference(left[0], expression) for expression in right]))


@np.errstate(invalid="ignore")  # infinities give NaN, for which no line holds
def _difference(left: np.ndarray, right: np.ndarray) -> float:
    with precision(BITS):
        apart = _largest(left - right)
        larger = np.maximum(_largest(left), _largest(right))
    return float(np.max(apart / np.where(larger == 0, 1, larger)))


def _largest(values: np.ndarray) -> np.ndarray:
    """Bound the magnitudes in each problem, as floats."""
    bounds = np.frompyfunc(lambda ball: float(ball.abs_upper()), 1, 1)(values)
    return np.asarray(bounds, np.float64).reshape(len(values), -1).max(axis=1)


def _verdict(printed: float | None, corrected: float | None) -> Verdict:
    if printed is None:
        return "empty"
    if printed <= BOUND:
        return "holds"
    return "slip" if corrected is not None and corrected <= BOUND else "fails"
