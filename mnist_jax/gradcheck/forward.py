"""Derivatives along directions in forward mode."""

import time
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from mnist_jax.gradcheck.arithmetic.sampling import unrounded
from mnist_jax.gradcheck.functions import Traced, trace
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.precision import in_precision

# time limit of one evaluation in forward mode, in seconds; slower losses skip the comparison
LONG = 0.2


def forward_mode(problem: Problem) -> Traced | None:
    """Traces the directional derivative of a loss in forward mode; None if it has none."""

    def along(direction: PyTree, *arguments: Any) -> Any:
        def loss(point: PyTree) -> Any:
            value = problem.loss(*problem._replace(arguments=arguments).at(point).arguments)
            return value[0] if isinstance(value, tuple) else value

        point = problem._replace(arguments=arguments).differentiated
        tangent = jax.tree.map(lambda x, v: jax.numpy.asarray(v, x.dtype), point, direction)
        return jax.jvp(loss, (point,), (tangent,))[1]

    direction = jax.tree.map(lambda x: np.zeros(np.shape(x)), problem.differentiated)
    with in_precision("float64"):
        shifted = tuple(i + 1 for i in problem.argnums)
        try:
            given = (direction, *problem.arguments)
            traced = trace(along, Problem(along, along, (0, *shifted), given))
            started = time.thread_time()
            unrounded(traced.closed, traced.inputs(jax.tree.leaves(given)))
            return traced if time.thread_time() - started < LONG else None
        except Exception:  # custom_vjp has no forward mode, nor do callbacks
            return None
