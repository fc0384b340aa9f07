"""Judges the formulas of wrong and correct gradients: the work of one process."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.controls.mutations import MUTATIONS
from experiments.controls.problems import problem
from experiments.controls.tasks import TASKS, TaskName
from mnist_jax.gradcheck.formula import Formula, judge
from mnist_jax.gradcheck.tuning import EQUAL

POINTS = 3
SECONDS = 5.0
"""Time limit for each formula."""


class Proof(NamedTuple):
    """The verdict on the formula of a wrong gradient."""

    name: str  # name of the mutation
    formula: Formula  # verdict on the formula
    seconds: float  # duration in seconds


def judge_mutation(name: str) -> Proof:
    """Judges the formula of a wrong gradient, given its name."""
    mutation, start = next(each for each in MUTATIONS if each.name == name), time.perf_counter()
    formula = _judge(mutation.task, mutation.gradient, mutation.arguments())
    return Proof(name, formula, time.perf_counter() - start)


def judge_problem(number: int, seed: int) -> Formula:
    """Judges the formula of the correct gradient of a problem."""
    kind, arguments = problem(number, seed)
    return _judge(kind.task, TASKS[kind.task].gradient, arguments)


def _judge(task: TaskName, gradient: Callable[..., Any], arguments: Sequence[Any]) -> Formula:
    weights, *data = map(np.asarray, arguments)
    rng = np.random.default_rng(0)
    size = float(np.sqrt(np.mean(weights**2))) or 1.0
    drawn = [weights + size * rng.normal(size=weights.shape) for _ in range(POINTS - 1)]
    points = [[w, *data] for w in (weights, *drawn)]
    shapes = tuple(x.shape for x in points[0])
    loss, reverse = _traced(task, shapes)
    return judge(reverse, _trace(gradient, shapes), points, loss=loss, seconds=SECONDS)


@cache
def _traced(task: TaskName, shapes: tuple[tuple[int, ...], ...]) -> tuple[Any, Any]:
    loss = TASKS[task].loss
    return _trace(loss, shapes), _trace(jax.grad(loss), shapes)


def _trace(function: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> Any:
    with jax.enable_x64(True):
        return jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(s, "float64") for s in shapes))


def formula_numbers(wrong: Sequence[Proof], right: Sequence[Formula]) -> dict[str, Any]:
    """Returns the numbers of the verdicts on wrong and correct gradients as plain values.

    These are, for the wrong gradients, the number proved different, the duration, and the others by
    name; for the correct gradients, the number of each verdict, and the reasons for `not told`.
    """
    verdicts = {proof.name: proof.formula.verdict for proof in wrong}
    others = {name: verdict for name, verdict in verdicts.items() if verdict != "different"}
    equal = [f.digits >= EQUAL for f in right if f.verdict == "equal"]
    return {
        "wrong": {
            "total": len(wrong),
            "different": len(wrong) - len(others),
            "others": others,
            "seconds": sum(proof.seconds for proof in wrong),
        },
        "right": {
            "total": len(right),
            "different": sum(f.verdict == "different" for f in right),
            "equal": sum(equal),
            "equal_to_data": len(equal) - sum(equal),
            "not_told": Counter(f.note for f in right if f.verdict == "not told"),
        },
    }
