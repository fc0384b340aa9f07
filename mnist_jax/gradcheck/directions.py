"""Derivatives along directions, in forward mode and from values of the loss."""

import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, PyTree

from mnist_jax.compat import ClosedJaxpr
from mnist_jax.gradcheck.arithmetic.sampling import unrounded
from mnist_jax.gradcheck.differences import STEPS, Line, empirical_noise
from mnist_jax.gradcheck.functions import Traced, moving_leaves
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Programs
from mnist_jax.gradcheck.tuning import FORWARD, LINES
from mnist_jax.precision import in_precision


def lines_through(
    programs: Programs, problem: Problem, directions: PyTree, noise: float
) -> Iterator[Line]:
    """Yields the loss along directions, as many as the time limit allows."""
    started = time.process_time()
    for direction in each_of(directions):
        line = line_along(programs, problem, direction, noise)
        yield line
        # at least one line, then as many as the time limit allows
        if time.process_time() - started > LINES:
            return


def line_along(programs: Programs, problem: Problem, direction: PyTree, noise: float) -> Line:
    """Evaluates the loss along a direction, at the steps `STEPS` to both sides."""

    def value(step: float) -> float:
        moved = jax.tree.map(
            lambda x, v: np.asarray(x) + step * np.asarray(v), problem.differentiated, direction
        )
        return programs.value_at(problem.at(moved))

    ahead, behind = (np.array([value(sign * h) for h in STEPS]) for sign in (1, -1))
    line = Line(STEPS, ahead, value(0.0), behind, noise)
    return line._replace(noise=max(noise, empirical_noise(line)))


def each_of(directions: PyTree) -> list[PyTree]:
    """Returns the directions that are stacked along a leading axis."""
    return [jax.tree.map(lambda v: v[i], directions) for i in range(number_of(directions))]  # noqa: B023


def number_of(directions: PyTree) -> int:
    """Returns the number of directions that are stacked along a leading axis."""
    return len(jax.tree.leaves(directions)[0])


def slopes(gradient: PyTree, directions: PyTree) -> Float[np.ndarray, "... D"]:
    r"""Returns the slopes $\langle g, v \rangle$ of a gradient along directions.

    Args:
        gradient: Gradient g, or several gradients stacked along a leading axis.
        directions: Directions v, stacked along a leading axis.

    Returns:
        One slope for each direction, summed in float64 for a gradient of any precision.

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


class Forward:
    """The directional derivative of a loss in forward mode, traced in float64."""

    def __init__(self, value: Traced, problem: Problem) -> None:
        self._value, count = value, len(moving_leaves(problem))

        def along(*inputs: Any) -> Any:
            direction, point, data = inputs[:count], inputs[count : 2 * count], inputs[2 * count :]
            return jax.jvp(lambda *moving: value(*moving, *data)[0], point, direction)[1]

        with in_precision("float64"):
            self._closed: ClosedJaxpr = value.transformed(along, *value.closed.in_avals[:count])

    def __call__(self, problem: Problem, direction: PyTree) -> float:
        """Returns the derivative along a direction."""
        inputs = self._value.inputs(jax.tree.leaves(problem.arguments))
        return float(unrounded(self._closed, [*jax.tree.leaves(direction), *inputs])[0])


def forward_mode(value: Traced, problem: Problem) -> Forward | None:
    """Returns the directional derivative of a loss; None if it has none, or one that takes long."""
    try:
        forward, started = Forward(value, problem), time.thread_time()
        forward(problem, jax.tree.map(lambda x: np.zeros(np.shape(x)), problem.differentiated))
    except Exception:  # custom_vjp has no forward mode, nor do callbacks
        return None
    return forward if time.thread_time() - started < FORWARD else None
