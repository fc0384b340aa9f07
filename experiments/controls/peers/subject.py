"""Converts a loss and a gradient to functions of one vector, for the other checkers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.controls.foreign.entry import Case, Gradient

Vector = Float[np.ndarray, " n"]


class Subject(NamedTuple):
    """A loss and a gradient of one vector."""

    value: Callable[[Array], Array]  # loss of a vector, in `jax.numpy`
    gradient: Callable[[Vector], Vector]  # hand-written gradient, which returns a NumPy vector
    point: Vector  # point at which they are compared

    def compiled(self) -> Callable[[Any], Array]:
        """Compiles the loss again, so that the time of each checker includes compilation."""
        value = self.value
        return jax.jit(lambda vector: value(vector))  # noqa: PLW0108 - a new function, not cached


def subject(case: Case, gradient: Gradient) -> Subject:
    """Makes functions of one vector from a case and a correct or wrong gradient.

    The loss of a function with a rule is a random linear function of its output.
    """
    loss = case.loss
    argnums = range(len(case.arguments)) if loss is None else case.options.get("argnum", 0)
    argnums = (argnums,) if isinstance(argnums, int) else argnums
    leaves, structure = jax.tree.flatten([case.arguments[n] for n in argnums])
    shapes, ends = [np.shape(leaf) for leaf in leaves], np.cumsum([np.size(x) for x in leaves])

    def arguments(vector: Any) -> list[Any]:
        parts = (
            vector[end - int(np.prod(shape)) : end].reshape(shape)
            for end, shape in zip(ends, shapes, strict=True)
        )
        changed = dict(zip(argnums, structure.unflatten(parts), strict=True))
        return [changed.get(n, value) for n, value in enumerate(case.arguments)]

    def by_hand(vector: Vector) -> Vector:
        returned = gradient(*arguments(vector))
        leaves = jax.tree.leaves(returned[1] if case.has_value else returned)
        if (given := [np.shape(leaf) for leaf in leaves]) != shapes:
            raise ValueError(f"The gradient's shapes are {given}, not {shapes}.")
        return joined(leaves)

    point = joined(leaves)
    if loss is not None:
        return Subject(lambda vector: loss(*arguments(vector)), by_hand, point)
    shape = jax.eval_shape(gradient, *case.arguments).shape
    cotangent = np.random.default_rng(0).normal(size=shape)
    value = lambda vector: jnp.sum(cotangent * gradient(*arguments(vector)))  # noqa: E731
    return Subject(value, lambda vector: np.asarray(jax.grad(value)(vector)), point)


def joined(leaves: list[Any]) -> Vector:
    """Joins arrays to one vector in float64."""
    return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in leaves])
