"""The verdict on an equation: what its sides are on random problems, in float64."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.problem import LARGEST_LOGIT, Problem, random_problems

Verdict = Literal["holds", "slip", "fails", "empty"]
"""Of a line. It holds; it does not and its correction does; nor does that; there is no line."""
Side = Callable[[Problem], Any]

OPERATIONS = 20
BOUND = OPERATIONS * (1 + math.exp(2 * LARGEST_LOGIT)) * float(np.finfo(np.float64).eps) / 2
r"""How far apart rounding may bring two sides, relative to the larger: each of at most 20
operations errs by half an eps, and $1 - \hat y$ makes $1 / (1 - \hat y) \le 1 + e^6$ of it."""


class Judgement(NamedTuple):
    """An equation with its verdict.

    Attributes:
        equation: The equation.
        verdict: `holds` if what is printed holds; `slip` if it does not, but what is corrected
            does; `fails` if neither does; `empty` if nothing is printed.
        deviation: How far the sides of the printed line are apart: their largest difference,
            relative to the largest magnitude of either, over all problems; NaN if a side is.
        corrected_deviation: The same of the corrected line.
    """

    equation: Equation
    verdict: Verdict
    deviation: float | None
    corrected_deviation: float | None


def judge(equation: Equation, problems: Problem | None = None) -> Judgement:
    """Judges an equation by evaluating what is printed, and what is corrected.

    Args:
        equation: The equation.
        problems: Where it is evaluated; by default `random_problems` of its task.

    Returns:
        The judgement.

    Example:
        >>> wrong = Line("w = 2 w", lambda p: p.weights, lambda p: 2 * p.weights)
        >>> judge(Equation("1", "1a", "an example", wrong))[1:]
        ('fails', 0.5, None)
    """
    if problems is None:
        problems = random_problems(equation.task)
    return judge_all([equation], problems)[0]


def judge_all(equations: Sequence[Equation], problems: Problem) -> list[Judgement]:
    """Judges equations of one task together, which compiles only once.

    Args:
        equations: The equations.
        problems: Where they are evaluated, stacked along the first axis of each array.

    Returns:
        One judgement for each equation.
    """
    lines = [line for equation in equations for line in (equation.printed, equation.corrected)]
    sides = [side for line in lines if line for side in (line.left, line.right)]
    values = _evaluate(sides, problems)

    def deviation(line: Line | None) -> float | None:
        return None if line is None else _deviation(values[line.left], values[line.right])

    return [
        _judgement(equation, deviation(equation.printed), deviation(equation.corrected))
        for equation in equations
    ]


def _evaluate(sides: Iterable[Side], problems: Problem) -> dict[Side, Any]:
    unique = list(dict.fromkeys(sides))  # many lines have the same left side
    with jax.enable_x64(True):
        program = jax.jit(lambda problems: [jax.vmap(side)(problems) for side in unique])
        values = jax.device_get(program(problems))
    return dict(zip(unique, values, strict=True))


def _deviation(left: Float[np.ndarray, "problems ..."], right: Any) -> float:
    return float(np.max([_difference(left, expression) for expression in jax.tree.leaves(right)]))


@np.errstate(invalid="ignore")  # of infinities; they give NaN, which holds for nothing
def _difference(
    left: Float[np.ndarray, "problems ..."], right: Float[np.ndarray, "problems ..."]
) -> Float[np.ndarray, " problems"]:
    entries = tuple(range(1, left.ndim))
    largest = np.maximum(np.abs(left).max(entries), np.abs(right).max(entries))
    return np.abs(left - right).max(entries) / np.where(largest == 0, 1, largest)


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
