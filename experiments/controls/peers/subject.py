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
    """A loss and a gradient of one vector.

    Attributes:
        value: Loss of a vector, in `jax.numpy`.
        gradient: Hand-written gradient, which returns a NumPy vector.
        point: Point at which they are compared.
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Vector], Vector]
    point: Vector

    def compiled(self) -> Callable[[Any], Array]:
        """Compiles the loss again, so that the time of each checker includes compilation."""
        value = self.value
        return jax.jit(lambda vector: value(vector))  # noqa: PLW0108 - a new function, not cached


class Peer(NamedTuple):
    """Another checker.

    Attributes:
        name: Name of the checker.
        passes: Function from (subject, threshold) to its verdict; an exception counts as a failure.
        threshold: Threshold of the verdict.
        others: Other thresholds.
        reason: Reason for the threshold.
        package: Optional package that the checker needs.
    """

    name: str
    passes: Callable[[Subject, float], bool]
    threshold: float
    others: tuple[float, ...]
    reason: str
    package: str = ""


def subject(case: Case, gradient: Gradient) -> Subject:
    """Makes functions of one vector from a case and a correct or wrong gradient.

    Args:
        case: Case with the loss and the arguments.
        gradient: Gradient, or a function with a rule.

    Returns:
        The subject; for a function with a rule, its loss is a random linear function of the output.
    """
    if case.loss is None:
        return _of_rule(gradient, case.arguments)
    argnums = case.options.get("argnum", 0)
    flatten = _Flat(case.arguments, (argnums,) if isinstance(argnums, int) else argnums)
    loss = case.loss

    def bare(*arguments: Any) -> Any:
        return gradient(*arguments)[1] if case.has_value else gradient(*arguments)

    return Subject(
        lambda vector: loss(*flatten.arguments(vector)),
        lambda vector: flatten.vector(bare(*flatten.arguments(vector))),
        flatten.point,
    )


def _of_rule(function: Gradient, arguments: tuple[Any, ...]) -> Subject:
    flatten = _Flat(arguments, tuple(range(len(arguments))))
    shape = jax.eval_shape(function, *arguments).shape
    cotangent = np.random.default_rng(0).normal(size=shape)

    def value(vector: Any) -> Any:
        return jnp.sum(cotangent * function(*flatten.arguments(vector)))

    return Subject(value, lambda vector: np.asarray(jax.grad(value)(vector)), flatten.point)


class _Flat:
    """Conversion of the differentiated arguments to one vector, and back."""

    def __init__(self, arguments: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
        self.all, self.argnums = arguments, argnums
        leaves, self.structure = jax.tree.flatten([arguments[n] for n in argnums])
        self.shapes = [np.shape(leaf) for leaf in leaves]
        self.ends = np.cumsum([np.size(leaf) for leaf in leaves])
        self.point = self._joined(leaves)

    def arguments(self, vector: Any) -> list[Any]:
        """Returns the arguments of the loss and the gradient."""
        parts = [
            vector[end - int(np.prod(shape)) : end].reshape(shape)
            for end, shape in zip(self.ends, self.shapes, strict=True)
        ]
        changed = self.structure.unflatten(parts)
        arguments = list(self.all)
        for n, value in zip(self.argnums, changed, strict=True):
            arguments[n] = value
        return arguments

    def vector(self, gradient: Any) -> Vector:
        """Converts a gradient to a vector; raises a ValueError for wrong shapes."""
        leaves = jax.tree.leaves(gradient)
        shapes = [np.shape(leaf) for leaf in leaves]
        if shapes != self.shapes:
            raise ValueError(f"The gradient's shapes are {shapes}, not {self.shapes}.")
        return self._joined(leaves)

    @staticmethod
    def _joined(leaves: list[Any]) -> Vector:
        return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in leaves])
