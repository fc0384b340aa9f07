"""The verdict on an equation: what its sides are in ball arithmetic, at random places."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.problem import Problem, Task, random_problems
from mnist_jax.gradcheck.arithmetic.balls import Balls, precision
from mnist_jax.gradcheck.arithmetic.interpreter import evaluate

Verdict = Literal["holds", "slip", "fails", "empty"]
"""The verdict on a line: it holds; its correction does; neither does; there is no line."""
Side = Callable[[Problem], Any]

BITS = 256
BOUND = 1e-60
"""How far apart the sides of a line that holds may be, relative to the larger: it is what remains
of 256 bits on these problems, with a margin."""
CLASSES = (2, 3, 10)
"""The numbers of classes K with which every line of 1b and 4a is judged."""
PLACES = 16


class Judgement(NamedTuple):
    """An equation with its verdict.

    Attributes:
        equation: The equation.
        verdict: `holds` if what is printed holds; `slip` if it does not, but what is corrected
            does; `fails` if neither does; `empty` if nothing is printed.
        deviation: How far the sides of the printed line are apart: their largest difference,
            relative to the largest magnitude of either, over all problems; NaN if a side is.
            For a line that holds, no more than this.
        corrected_deviation: The same of the corrected line.
    """

    equation: Equation
    verdict: Verdict
    deviation: float | None
    corrected_deviation: float | None


def default_problems(task: Task) -> list[Problem]:
    """The problems on which a task's equations are judged: some for each number of classes.

    Args:
        task: The task.

    Returns:
        Problems stacked along the first axis of each array, for each number of classes.
    """
    sizes = (2,) if task == "1a" else CLASSES
    return [random_problems(task, PLACES, num_classes=size) for size in sizes]


def judge(equation: Equation, problems: Problem | None = None) -> Judgement:
    """Judge an equation by evaluating what is printed, and what is corrected.

    Args:
        equation: The equation.
        problems: Where it is evaluated; by default `default_problems` of its task.

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
    """Judge equations of one task together, which traces each side once.

    Args:
        equations: The equations.
        problems: Where they are evaluated, stacked along the first axis of each array; one
            stack, or one for each number of classes.

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

    return [
        _judgement(equation, deviation(equation.printed), deviation(equation.corrected))
        for equation in equations
    ]


def _evaluate(sides: Iterable[Side], problems: Problem) -> dict[Side, list[np.ndarray]]:
    """The expressions of each side in balls, with a leading axis of problems."""
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


@np.errstate(invalid="ignore")  # of infinities; they give NaN, which holds for nothing
def _difference(left: np.ndarray, right: np.ndarray) -> float:
    with precision(BITS):
        apart = _largest(left - right)
        larger = np.maximum(_largest(left), _largest(right))
    return float(np.max(apart / np.where(larger == 0, 1, larger)))


def _largest(values: np.ndarray) -> np.ndarray:
    """A bound of the magnitudes in each problem, as floats."""
    bounds = np.frompyfunc(lambda ball: float(ball.abs_upper()), 1, 1)(values)
    return np.asarray(bounds, np.float64).reshape(len(values), -1).max(axis=1)


def _judgement(equation: Equation, printed: float | None, corrected: float | None) -> Judgement:
    verdict: Verdict
    if printed is None:
        verdict = "empty"
    elif printed <= BOUND:
        verdict = "holds"
    elif corrected is not None and corrected <= BOUND:
        verdict = "slip"
    else:
        verdict = "fails"
    return Judgement(equation, verdict, printed, corrected)
