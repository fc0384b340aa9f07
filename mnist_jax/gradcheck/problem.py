"""What is checked: a loss, a hand-written gradient, and the arguments that both are called with."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

PRECISIONS = ("float32", "float64")


class Problem(NamedTuple):
    """A loss and a gradient, with arguments of both.

    Attributes:
        loss: To a scalar; what autodiff differentiates.
        gradient: Hand-written; called with the same arguments, returns a pytree like
            `arguments[argnum]`.
        argnum: The argument that is differentiated, as in `jax.grad`.
        arguments: Pytrees of arrays and numbers.
    """

    loss: Callable[..., Any]
    gradient: Callable[..., Any]
    argnum: int
    arguments: tuple[Any, ...]

    @property
    def differentiated(self) -> PyTree:
        """The argument that is differentiated."""
        return self.arguments[self.argnum]

    def at(self, point: PyTree) -> tuple[Any, ...]:
        """The arguments, with another value of the one that is differentiated."""
        return (*self.arguments[: self.argnum], point, *self.arguments[self.argnum + 1 :])

    def cast(self, precision: str) -> "Problem":
        """The same problem with every floating number in one precision."""
        return self._replace(arguments=cast(self.arguments, precision))

    def name(self, argnum: int) -> str:
        """What the loss calls an argument."""
        try:
            parameters = list(inspect.signature(self.loss).parameters.values())
        except (TypeError, ValueError):  # a builtin
            parameters = []
        # of *args, all have the same name
        named = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
        return named[argnum] if argnum < len(named) else f"argument {argnum}"


def cast(tree: PyTree, precision: str) -> PyTree:
    """A pytree with its floating numbers in one precision; other leaves as they are."""

    def leaf(value: Any) -> Any:
        floating = jnp.issubdtype(jnp.result_type(value), jnp.floating)
        # by NumPy: a conversion on the device is one more program to compile
        return jnp.asarray(np.asarray(value).astype(precision)) if floating else value

    return jax.tree.map(leaf, tree)


def describe(tree: PyTree) -> str:
    """Dtypes and shapes of a pytree, as `float32[3, 4]`."""

    def leaf(value: Any) -> str:
        try:
            return f"{jnp.result_type(value)}{list(jnp.shape(value))}"
        except TypeError:
            return type(value).__name__

    shown = jax.tree.map(leaf, tree)
    return shown if isinstance(shown, str) else str(shown).replace("'", "")


def stack(trees: Sequence[PyTree]) -> PyTree:
    """Pytrees of the same structure as one, with a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
