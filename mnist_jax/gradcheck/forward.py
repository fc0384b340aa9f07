"""Derivatives along directions in forward mode."""

import time
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from mnist_jax.compat import ClosedJaxpr
from mnist_jax.gradcheck.arithmetic.sampling import unrounded
from mnist_jax.gradcheck.functions import Traced, moving_leaves
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.tuning import FORWARD
from mnist_jax.precision import in_precision


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
