"""The errors of task 1's gradients on one real batch, by coordinate and by step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import jax
import numpy as np
from jaxtyping import Array, Float

from mnist_jax.precision import in_precision

if TYPE_CHECKING:
    from mnist_jax.gradcheck.problem import Problem

STEPS = np.logspace(2, -10, 61)
# those at which balls are evaluated too, which takes a thousand times as long
BALL_STEPS = STEPS[::10]


class Pair(StrEnum):
    """Two gradients whose coordinates are compared; in float32, with autodiff's in float64."""

    DERIVED = "float32: hand-derived"
    AUTODIFF = "float32: autodiff"
    BETWEEN = "float64: one against the other"


class Errors(NamedTuple):
    """Errors for the figures of one task, at its trained weights on its first batch."""

    # error of each coordinate, relative to the largest, by what was compared
    by_coordinate: dict[Pair, Float[np.ndarray, " P"]]
    # precision to the relative error of the central difference of each of `STEPS`, along a
    # direction of random signs; "balls" to those of `BALL_STEPS`
    by_step: dict[str, Float[np.ndarray, " H"]]


class LargestError(TypedDict):
    """The largest error of a pair's coordinates, and how many coordinates are equal."""

    largest: float
    equal: float


class BestStep(TypedDict):
    """The step at which a central difference errs least, and its relative error there."""

    step: float
    relative: float


class ErrorMetrics(TypedDict):
    """The errors of one gradient, in numbers."""

    by_coordinate: dict[str, LargestError]
    central_differences: dict[str, BestStep | None]


def errors(
    loss: Callable[..., Array],
    gradient: Callable[..., Array],
    arguments: tuple[np.ndarray, ...],
    seed: int,
) -> Errors:
    """Measures the errors that the figures show.

    Args:
        loss: Loss.
        gradient: Hand-derived gradient of the loss.
        arguments: Trained weights and a batch, in float64.
        seed: Seed of the direction.
    """
    from mnist_jax.gradcheck.problem import Problem

    problem = Problem(loss, gradient, 0, arguments)
    return Errors(_by_coordinate(problem), _by_step(problem, seed))


def _by_coordinate(problem: Problem) -> dict[Pair, np.ndarray]:
    from mnist_jax.gradcheck.problem import cast

    gradient, reverse = jax.jit(problem.gradient), jax.jit(jax.grad(problem.loss))
    with in_precision("float32"):
        single = problem.cast("float32").arguments
        ours, theirs = gradient(*single), reverse(*single)
    with in_precision("float64"):
        exact = np.asarray(reverse(*cast(single, "float64")))
        double = problem.cast("float64").arguments
        ours64, theirs64 = gradient(*double), reverse(*double)
    largest = np.abs(exact).max()
    pairs = {
        Pair.DERIVED: (ours, exact),
        Pair.AUTODIFF: (theirs, exact),
        Pair.BETWEEN: (ours64, theirs64),
    }
    return {
        name: np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).ravel() / largest
        for name, (a, b) in pairs.items()
    }


def _by_step(problem: Problem, seed: int) -> dict[str, np.ndarray]:
    from mnist_jax.gradcheck.differences import Line, central_differences
    from mnist_jax.gradcheck.draws import draw_directions
    from mnist_jax.gradcheck.problem import PRECISIONS, cast

    direction = draw_directions(problem.differentiated, 1, seed)[0]
    with in_precision("float64"):
        double = problem.cast("float64").arguments
        slope = float(np.sum(jax.jit(jax.grad(problem.loss))(*double) * direction))
    found = {}
    for name in PRECISIONS:
        with in_precision(name):
            steps = cast(np.concatenate([STEPS, -STEPS]), name)
            values = _along(
                problem.loss, steps, cast(direction, name), *problem.cast(name).arguments
            )
        ahead, behind = np.split(np.asarray(values, np.float64), 2)
        line = Line(STEPS, ahead, np.nan, behind, np.nan)
        found[name] = np.abs(central_differences(line) / slope - 1)
    return {**found, "balls": _in_balls(problem, direction)}


def _in_balls(problem: Problem, direction: np.ndarray) -> np.ndarray:
    """The errors without any roundoff: those of truncation alone."""
    from mnist_jax.gradcheck.arithmetic.balls import Balls, precision
    from mnist_jax.gradcheck.formula.witness import values_slope
    from mnist_jax.gradcheck.tuning import WITNESS_BITS

    arguments = [np.asarray(x, np.float64) for x in problem.arguments]
    with in_precision("float64"):
        loss = jax.make_jaxpr(problem.loss)(*arguments)
    along, balls = [direction, *[None] * (len(arguments) - 1)], Balls()
    exact = values_slope(loss, arguments, along, balls).central
    slopes = [values_slope(loss, arguments, along, balls, h).central for h in BALL_STEPS]
    with precision(WITNESS_BITS):
        return np.array([abs(float(slope / exact - 1)) for slope in slopes])


@functools.partial(jax.jit, static_argnums=0)
def _along(
    loss: Callable[..., Array], steps: Array, direction: Array, weights: Array, *data: Array
) -> Float[Array, " H"]:
    """The loss at each step along a direction."""
    return jax.lax.map(lambda step: loss(weights + step * direction, *data), steps)


def errors_metrics(errors: dict[str, Errors]) -> dict[str, ErrorMetrics]:
    """The errors of each task that the figures show, in numbers."""
    return {
        task: {
            "by_coordinate": {
                name: {"largest": float(values.max()), "equal": float(np.mean(values == 0))}
                for name, values in found.by_coordinate.items()
            },
            "central_differences": {
                precision: _best(values, BALL_STEPS if precision == "balls" else STEPS)
                for precision, values in found.by_step.items()
            },
        }
        for task, found in errors.items()
    }


def _best(values: Float[np.ndarray, " H"], steps: Float[np.ndarray, " H"]) -> BestStep | None:
    if not np.isfinite(values).any():
        return None
    best = np.nanargmin(values)
    return {"step": float(steps[best]), "relative": float(values[best])}
