"""A loss, a hand-written gradient, and the arguments of both."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

PRECISIONS = ("float32", "float64")


class Problem(NamedTuple):
    """A loss and a gradient with their arguments.

    Attributes:
        loss: Function that returns a scalar.
        gradient: Hand-written function of the same arguments that returns a pytree like
            `differentiated`.
        argnum: Position of the differentiated argument, or a tuple of positions, as in `jax.grad`.
        arguments: Arguments of both functions: pytrees of arrays and numbers, or any other objects.
    """

    loss: Callable[..., Any]
    gradient: Callable[..., Any]
    argnum: int | tuple[int, ...]
    arguments: tuple[Any, ...]

    @property
    def argnums(self) -> tuple[int, ...]:
        """Positions of the differentiated arguments."""
        return self.argnum if isinstance(self.argnum, tuple) else (self.argnum,)

    @property
    def differentiated(self) -> PyTree:
        """The differentiated argument, or a tuple of several."""
        chosen = tuple(self.arguments[i] for i in self.argnums)
        return chosen if isinstance(self.argnum, tuple) else chosen[0]

    def at(self, point: PyTree) -> "Problem":
        """Returns the problem with another value of the differentiated argument."""
        values = point if isinstance(self.argnum, tuple) else (point,)
        arguments = list(self.arguments)
        for i, value in zip(self.argnums, values, strict=True):
            arguments[i] = value
        return self._replace(arguments=tuple(arguments))

    def cast(self, precision: str) -> "Problem":
        """Returns the problem with every floating number in one precision."""
        return self._replace(arguments=cast(self.arguments, precision))

    def name(self, argnum: int) -> str:
        """Returns the name that the loss gives to an argument."""
        try:
            parameters = list(inspect.signature(self.loss).parameters.values())
        except (TypeError, ValueError):  # a builtin
            parameters = []
        # all values of *args have the same name
        named = [p.name for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
        return named[argnum] if argnum < len(named) else f"argument {argnum}"

    @property
    def names(self) -> list[str]:
        """Name and path of each differentiated leaf, as `params['w']`."""
        return [name for i in self.argnums for name in self.leaf_names(i)]

    def leaf_names(self, argnum: int) -> list[str]:
        """Returns the name and path of each leaf of an argument."""
        paths = jax.tree.leaves_with_path(self.arguments[argnum])
        return [f"{self.name(argnum)}{jax.tree_util.keystr(path)}" for path, _ in paths]


def is_array(value: Any) -> bool:
    """Returns whether a leaf is a JAX or NumPy array, or a NumPy scalar."""
    return isinstance(value, jax.Array | np.ndarray | np.generic)


def is_floating(value: Any) -> bool:
    """Returns whether a leaf is a floating number or an array of floating numbers."""
    if isinstance(value, float):
        return True
    return is_array(value) and bool(jnp.issubdtype(value.dtype, jnp.floating))


def cast(tree: PyTree, precision: str) -> PyTree:
    """Casts the floating arrays of a pytree to one precision, and keeps other leaves.

    NumPy arrays remain NumPy arrays, and JAX arrays, which require `in_precision`, remain JAX
    arrays. Python numbers are not changed, since they have no precision.
    """

    def leaf(value: Any) -> Any:
        if isinstance(value, float) and not isinstance(value, np.generic):
            return value
        if not is_floating(value):
            return value
        # NumPy converts, since a conversion on the device would need another compiled program
        with np.errstate(over="ignore"):
            converted = np.asarray(value).astype(precision)
        return jnp.asarray(converted) if isinstance(value, jax.Array) else converted

    return jax.tree.map(leaf, tree)


def as_arrays(tree: PyTree) -> PyTree:
    """Converts lists of numbers, and arrays of other libraries, to NumPy arrays.

    Args:
        tree: Argument of a user's function.

    Returns:
        The argument, with NumPy arrays in place of lists of numbers and of objects with a method
        `__array__`, such as those of pandas and PyTorch.

    Example:
        >>> as_arrays([[1.0, 2.0], [3.0, 4.0]]).shape
        (2, 2)
    """

    def numbers(value: Any) -> bool:
        if not isinstance(value, list) or not value:
            return False
        return all(numbers(v) or isinstance(v, int | float | np.generic) for v in value)

    def leaf(value: Any) -> Any:
        if numbers(value) or (hasattr(value, "__array__") and not is_array(value)):
            try:
                converted = np.asarray(value)
            except ValueError:  # rows of unequal length
                return value
            return value if converted.dtype == object else converted
        return value

    return jax.tree.map(leaf, tree, is_leaf=numbers)


def describe(tree: PyTree) -> str:
    """Describes the dtypes and shapes of a pytree, as `float32[3, 4]`."""

    def leaf(value: Any) -> str:
        try:
            return f"{jnp.result_type(value)}{list(jnp.shape(value))}"
        except TypeError:
            return type(value).__name__

    shown = jax.tree.map(leaf, tree)
    return shown if isinstance(shown, str) else str(shown).replace("'", "")


def stack(trees: Sequence[PyTree]) -> PyTree:
    """Stacks pytrees of the same structure along a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
