"""A loss and a gradient as the other checkers take them: functions of one vector."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.controls.foreign.entry import Case, Gradient

Vector = Float[np.ndarray, " n"]


class Subject(NamedTuple):
    """What a checker compares, and where.

    Attributes:
        value: The loss of a vector, in `jax.numpy`.
        gradient: The hand-written gradient, a vector of NumPy.
        point: Where they are compared.
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Vector], Vector]
    point: Vector

    def compiled(self) -> Callable[[Any], Array]:
        """The loss compiled anew, so that each checker spends that time itself."""
        value = self.value
        return jax.jit(lambda vector: value(vector))  # noqa: PLW0108 - a new function, not cached


class Peer(NamedTuple):
    """Another checker.

    Attributes:
        name: What it is called.
        passes: (subject, threshold) to its verdict; may raise, which is no pass.
        threshold: The one that its verdict is judged by.
        others: What else the threshold might be.
        reason: Why this threshold.
        package: The optional package that it needs.
    """

    name: str
    passes: Callable[[Subject, float], bool]
    threshold: float
    others: tuple[float, ...]
    reason: str
    package: str = ""


def subject(case: Case, gradient: Gradient) -> Subject:
    """The right gradient of a case, or a wrong one, as a function of one vector.

    Args:
        case: The loss and the arguments.
        gradient: What returns the gradient, or a function with a rule.

    Returns:
        The subject; of a function with a rule, a random linear function of its output.
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
    """The differentiated arguments as one vector, and back."""

    def __init__(self, arguments: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
        self.all, self.argnums = arguments, argnums
        leaves, self.structure = jax.tree.flatten([arguments[n] for n in argnums])
        self.shapes = [np.shape(leaf) for leaf in leaves]
        self.ends = np.cumsum([np.size(leaf) for leaf in leaves])
        self.point = self._joined(leaves)

    def arguments(self, vector: Any) -> list[Any]:
        """What the loss and the gradient are called with."""
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
        """A gradient as a vector; a ValueError if its shape is not the arguments'."""
        leaves = jax.tree.leaves(gradient)
        shapes = [np.shape(leaf) for leaf in leaves]
        if shapes != self.shapes:
            raise ValueError(f"The gradient's shapes are {shapes}, not {self.shapes}.")
        return self._joined(leaves)

    @staticmethod
    def _joined(leaves: list[Any]) -> Vector:
        return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in leaves])
