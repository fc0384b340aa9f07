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
        loss: Function to a scalar; what autodiff differentiates.
        gradient: Hand-written function of the same arguments; returns a pytree like
            `differentiated`.
        argnum: Position of the argument that is differentiated, or a tuple of positions, as in
            `jax.grad`.
        arguments: Pytrees of arrays, numbers and anything else that the functions take.
    """

    loss: Callable[..., Any]
    gradient: Callable[..., Any]
    argnum: int | tuple[int, ...]
    arguments: tuple[Any, ...]

    @property
    def argnums(self) -> tuple[int, ...]:
        """The positions of the arguments that are differentiated."""
        return self.argnum if isinstance(self.argnum, tuple) else (self.argnum,)

    @property
    def differentiated(self) -> PyTree:
        """The argument that is differentiated, or a tuple of several."""
        chosen = tuple(self.arguments[i] for i in self.argnums)
        return chosen if isinstance(self.argnum, tuple) else chosen[0]

    def at(self, point: PyTree) -> "Problem":
        """The problem with another value of what is differentiated."""
        values = point if isinstance(self.argnum, tuple) else (point,)
        arguments = list(self.arguments)
        for i, value in zip(self.argnums, values, strict=True):
            arguments[i] = value
        return self._replace(arguments=tuple(arguments))

    def cast(self, precision: str) -> "Problem":
        """The same problem with every floating number in one precision."""
        return self._replace(arguments=cast(self.arguments, precision))

    def name(self, argnum: int) -> str:
        """The loss's name for an argument."""
        try:
            parameters = list(inspect.signature(self.loss).parameters.values())
        except (TypeError, ValueError):  # a builtin
            parameters = []
        # of *args, all have the same name
        named = [p.name for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
        return named[argnum] if argnum < len(named) else f"argument {argnum}"

    @property
    def names(self) -> list[str]:
        """The name and path of each leaf of what is differentiated, as `params['w']`."""
        return [name for i in self.argnums for name in self.leaf_names(i)]

    def leaf_names(self, argnum: int) -> list[str]:
        """The name and path of each leaf of an argument."""
        paths = jax.tree.leaves_with_path(self.arguments[argnum])
        return [f"{self.name(argnum)}{jax.tree_util.keystr(path)}" for path, _ in paths]


def is_array(value: Any) -> bool:
    """Whether a leaf is an array of JAX or NumPy, or a NumPy scalar."""
    return isinstance(value, jax.Array | np.ndarray | np.generic)


def is_floating(value: Any) -> bool:
    """Whether a leaf is a floating number or an array of those."""
    if isinstance(value, float):
        return True
    return is_array(value) and bool(jnp.issubdtype(value.dtype, jnp.floating))


def cast(tree: PyTree, precision: str) -> PyTree:
    """A pytree with its floating arrays in one precision; other leaves as they are.

    Args:
        tree: Pytree of arrays and anything else.
        precision: The dtype; its mode must be entered if there are arrays of JAX.

    Returns:
        Arrays of NumPy stay such, those of JAX too, and so do Python's numbers, which have no
        precision of their own.
    """

    def leaf(value: Any) -> Any:
        if isinstance(value, float) and not isinstance(value, np.generic):
            return value
        if not is_floating(value):
            return value
        # by NumPy: a conversion on the device is one more program to compile
        with np.errstate(over="ignore"):
            converted = np.asarray(value).astype(precision)
        return jnp.asarray(converted) if isinstance(value, jax.Array) else converted

    return jax.tree.map(leaf, tree)


def as_arrays(tree: PyTree) -> PyTree:
    """A pytree with lists of numbers, and columns of other libraries, as arrays of NumPy.

    Args:
        tree: What a user gives.

    Returns:
        The same, with each list that NumPy reads as an array of numbers replaced by that array,
        and each object that converts itself to one (of pandas or PyTorch) too.

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
