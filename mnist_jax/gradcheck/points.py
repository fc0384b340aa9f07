"""Everything that a check computes at one point, in one precision."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from mnist_jax.gradcheck.differences import STEPS, Line, empirical_noise
from mnist_jax.gradcheck.problem import Problem, cast
from mnist_jax.gradcheck.programs import Programs
from mnist_jax.precision import in_precision

# the noise of float64 is drawn larger than float64 resolves, and scaled back; by no more than what
# is allowed for it, or a result that rounding destroys would seem to be known
AMPLIFIED = 16.0


class Place(NamedTuple):
    """A point in one precision.

    Attributes:
        name: Of the point.
        precision: The dtype.
        problem: In that precision, with the point as the differentiated argument.
    """

    name: str
    precision: str
    problem: Problem

    @classmethod
    def at(cls, problem: Problem, name: str, point: PyTree, precision: str) -> "Place":
        """A place of a problem that may be in another precision."""
        moved = problem._replace(arguments=problem.at(point))
        with in_precision(precision):
            return cls(name, precision, moved.cast(precision))


class Values(NamedTuple):
    """A loss and its hand-written gradient, or what each may be off by."""

    loss: Array | float
    gradient: PyTree[Array]


class Gradients(NamedTuple):
    """The hand-written gradient, and autodiff's in reverse mode."""

    analytic: PyTree[Array]
    reverse: PyTree[Array]


class Deviation(NamedTuple):
    """Standard deviations from rounding.

    Attributes:
        loss: Of the value, along a line.
        analytic: Of the hand-written gradient.
        reverse: Of autodiff's.
        slopes: Of the derivatives that the hand-written gradient gives in each direction.
        forward: Of those in forward mode.
    """

    loss: float
    analytic: PyTree[np.ndarray]
    reverse: PyTree[np.ndarray]
    slopes: Float[np.ndarray, " D"]
    forward: Float[np.ndarray, " D"]


class Evaluated(NamedTuple):
    """Everything that is known at one place, on the host.

    Attributes:
        name: Of the point.
        point: The differentiated argument.
        eager: Computed operation by operation.
        compiled: The same, computed by compiled programs.
        reverse: Autodiff's gradient.
        repeats: Whether each gave the same bits a second time.
        forward: The derivative in each direction, in forward mode.
        exact: Autodiff's gradient at the same point, in float64.
        deviation: What rounding does in this precision.
        lines: The loss along each direction; in float64 only.
    """

    name: str
    point: PyTree
    eager: Values
    compiled: Values
    reverse: PyTree[Array]
    repeats: bool
    forward: Float[Array, " D"]
    exact: PyTree[Array]
    deviation: Deviation
    lines: list[Line]


def evaluate(programs: Programs, place: Place, directions: PyTree) -> Evaluated:
    """Everything that a check compares at one place.

    Args:
        programs: Of the problem's functions.
        place: Where.
        directions: Stacked along a leading axis.

    Returns:
        The values.
    """
    eager = evaluate_eagerly(place)
    with in_precision(place.precision):
        arguments = place.problem.arguments
        compiled = _compiled(programs, arguments)
        repeats = _same(eager, evaluate_eagerly(place)) and _same(
            compiled, _compiled(programs, arguments)
        )
        forward = programs.forward(cast(directions, place.precision), *arguments)
    with in_precision("float64"):
        arguments = place.problem.cast("float64").arguments
        exact = programs.reverse(*arguments)
        deviation = _deviation(programs, place, directions, arguments)
        lines = []
        if place.precision == "float64":
            lines = _lines(programs, directions, arguments, deviation.loss)
    known = (eager, *compiled, repeats, forward, exact, deviation)
    point = place.problem.differentiated
    return jax.device_get(Evaluated(place.name, point, *known, lines))


def evaluate_eagerly(place: Place) -> Values:
    """The loss and its hand-written gradient, operation by operation."""
    problem, arguments = place.problem, place.problem.arguments
    with in_precision(place.precision):
        return Values(problem.loss(*arguments), problem.gradient(*arguments))


def _compiled(programs: Programs, arguments: tuple[Any, ...]) -> tuple[Values, PyTree[Array]]:
    values = Values(programs.loss(*arguments), programs.analytic(*arguments))
    return values, programs.reverse(*arguments)


def _same(first: PyTree, second: PyTree) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def _deviation(
    programs: Programs, place: Place, directions: PyTree, arguments: tuple[Any, ...]
) -> Deviation:
    info = jnp.finfo(place.precision)
    amplified = AMPLIFIED if place.precision == "float64" else 1.0
    unit, smallest = float(info.eps) / 2, float(info.tiny)
    sampled = jax.device_get(programs.sampled(amplified * unit, smallest, directions, *arguments))
    along = slopes(sampled.analytic, directions)
    loss, analytic, reverse, forward, along = jax.tree.map(
        lambda results: standard_deviation(results) / amplified, (*sampled, along)
    )
    moved = unit * _sensitivity(sampled.reverse, place.problem.differentiated)
    return Deviation(float(np.hypot(loss, moved)), analytic, reverse, along, forward)


def standard_deviation(samples: Float[np.ndarray, "S ..."]) -> Float[np.ndarray, "..."]:
    """The standard deviation over the first axis, of numbers whose squares may underflow.

    Args:
        samples: Stacked along the first axis.

    Returns:
        One for each number.

    Example:
        >>> float(standard_deviation(np.array([1e-200, 3e-200])))
        1e-200
    """
    shifted = samples - samples[0]  # equal numbers have no deviation, not that of their mean
    centred = shifted - np.mean(shifted, axis=0)
    largest = np.max(np.abs(centred), axis=0)
    scaled = np.divide(centred, largest, out=np.zeros_like(centred), where=largest > 0)
    return np.asarray(largest * np.sqrt(np.mean(scaled**2, axis=0)))


def _sensitivity(gradients: PyTree, point: PyTree) -> float:
    """How much the loss changes with the relative error of each weight, as x + hv has one."""
    pairs = zip(jax.tree.leaves(gradients), jax.tree.leaves(point), strict=True)
    return float(np.sqrt(sum(np.sum((g[0] * np.asarray(x, np.float64)) ** 2) for g, x in pairs)))


def _lines(
    programs: Programs, directions: PyTree, arguments: tuple[Any, ...], noise: float
) -> list[Line]:
    steps = jnp.asarray([*STEPS, 0.0, *-STEPS])
    values = np.asarray(programs.lines(directions, steps, *arguments))
    count = len(STEPS)
    lines = [Line(STEPS, v[:count], float(v[count]), v[count + 1 :], noise) for v in values]
    return [line._replace(noise=max(noise, empirical_noise(line))) for line in lines]


def slopes(gradient: PyTree, directions: PyTree) -> Float[np.ndarray, "... D"]:
    r"""The slopes $\langle g, v \rangle$ of a gradient along directions.

    Args:
        gradient: g, or several of them stacked along a leading axis.
        directions: v, stacked along a leading axis.

    Returns:
        One for each direction, summed in float64 whatever the gradient's precision.

    Example:
        >>> slopes({"w": np.array([1.0, 2.0])}, {"w": np.eye(2)}).tolist()
        [1.0, 2.0]
    """
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(directions), strict=True)
    return np.sum([_leaf_slopes(np.asarray(g, np.float64), v) for g, v in pairs], axis=0)


def _leaf_slopes(gradient: np.ndarray, directions: np.ndarray) -> np.ndarray:
    stacked = gradient.shape[: gradient.ndim - (directions.ndim - 1)]
    flat = gradient.reshape(*stacked, directions[0].size)
    return flat @ directions.reshape(len(directions), -1).T
