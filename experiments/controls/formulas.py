"""Judges the formulas of wrong and correct gradients: the work of one process."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.controls.mutations import MUTATIONS, Mutation
from experiments.controls.problems import Kind, problem
from experiments.controls.tasks import TASKS, TaskName
from mnist_jax.gradcheck.formula import Formula, judge
from mnist_jax.gradcheck.tuning import EQUAL

POINTS = 3


class Proof(NamedTuple):
    """The verdict on the formula of a wrong gradient.

    Attributes:
        name: Name of the mutation.
        formula: Verdict on the formula.
        seconds: Duration in seconds.
    """

    name: str
    formula: Formula
    seconds: float


class Judged(NamedTuple):
    """The verdict on the formula of a correct gradient.

    Attributes:
        kind: Kind of the problem.
        formula: Verdict on the formula.
    """

    kind: Kind
    formula: Formula


def judge_mutations(names: Sequence[str], seconds: float = 5.0) -> list[Proof]:
    """Judge the formulas of wrong gradients.

    Args:
        names: Names of the mutations.
        seconds: Time limit for each mutation.

    Returns:
        One verdict for each mutation.
    """
    return [_prove(mutation, seconds) for mutation in MUTATIONS if mutation.name in names]


def _prove(mutation: Mutation, seconds: float) -> Proof:
    arguments, start = mutation.arguments(), time.perf_counter()
    formula = _judge(mutation.task, mutation.gradient, arguments, seconds)
    return Proof(mutation.name, formula, time.perf_counter() - start)


def judge_problems(numbers: Sequence[int], seed: int, seconds: float = 5.0) -> list[Judged]:
    """Judge the formulas of the correct gradients.

    Args:
        numbers: Numbers of the problems.
        seed: Seed of the problems.
        seconds: Time limit for each problem.

    Returns:
        One verdict for each problem.
    """
    drawn = (problem(number, seed) for number in numbers)
    return [
        Judged(p.kind, _judge(p.kind.task, TASKS[p.kind.task].gradient, p.arguments, seconds))
        for p in drawn
    ]


def _judge(
    task: TaskName, gradient: Callable[..., Any], arguments: Sequence[Any], seconds: float
) -> Formula:
    weights, *data = map(np.asarray, arguments)
    rng = np.random.default_rng(0)
    size = float(np.sqrt(np.mean(weights**2))) or 1.0
    drawn = [weights + size * rng.normal(size=weights.shape) for _ in range(POINTS - 1)]
    points = [[w, *data] for w in (weights, *drawn)]
    shapes = tuple(x.shape for x in points[0])
    loss, reverse = _traced(task, shapes)
    return judge(reverse, _trace(gradient, shapes), points, loss=loss, seconds=seconds)


@cache
def _traced(task: TaskName, shapes: tuple[tuple[int, ...], ...]) -> tuple[Any, Any]:
    loss = TASKS[task].loss
    return _trace(loss, shapes), _trace(jax.grad(loss), shapes)


def _trace(function: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> Any:
    with jax.enable_x64(True):
        return jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(s, "float64") for s in shapes))


def formula_numbers(proofs: Sequence[Proof], judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the numbers of the verdicts as plain values.

    Args:
        proofs: Verdicts on the wrong gradients.
        judged: Verdicts on the correct gradients.

    Returns:
        For the wrong gradients, the number proved different, the duration, and the others by name;
        for the correct gradients, the number of each verdict, and the reasons for `not told`.
    """
    verdicts = [each.formula for each in judged]
    equal = [f for f in verdicts if f.verdict == "equal"]
    untold = [f.note for f in verdicts if f.verdict == "not told"]
    return {
        "wrong": {
            "total": len(proofs),
            "different": sum(proof.formula.verdict == "different" for proof in proofs),
            "others": {
                p.name: p.formula.verdict for p in proofs if p.formula.verdict != "different"
            },
            "seconds": sum(proof.seconds for proof in proofs),
        },
        "right": {
            "total": len(verdicts),
            "different": sum(f.verdict == "different" for f in verdicts),
            "equal": sum(f.digits >= EQUAL for f in equal),
            "equal_to_data": sum(f.digits < EQUAL for f in equal),
            "not_told": dict(Counter(untold)),
        },
    }
