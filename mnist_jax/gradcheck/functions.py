"""Users' functions as they come: traced by JAX where that can be done, else called as they are."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from mnist_jax.compat import ClosedJaxpr
from mnist_jax.gradcheck.problem import Problem, is_array

Leaves = list[Any]


class Traced(NamedTuple):
    """A function as JAX's intermediate representation.

    Attributes:
        closed: The jaxpr, with the arrays that the function closes over as its constants.
        takes: Which leaves of the arguments are its inputs; the others are constants too.
        tree: Structure of what the function returns.
    """

    closed: ClosedJaxpr
    takes: tuple[int, ...]
    tree: Any

    def inputs(self, leaves: Sequence[Any]) -> Leaves:
        """The inputs of the jaxpr among the leaves of the arguments, as arrays."""
        chosen = (leaves[i] for i in self.takes)
        return [leaf if is_array(leaf) else np.asarray(leaf) for leaf in chosen]


def moving_leaves(problem: Problem) -> tuple[int, ...]:
    """The positions of what is differentiated among the leaves of all arguments."""
    counts = [len(jax.tree.leaves(argument)) for argument in problem.arguments]
    starts = np.cumsum([0, *counts])
    chosen = [range(starts[i], starts[i] + counts[i]) for i in problem.argnums]
    return tuple(int(i) for each in chosen for i in each)


def trace(function: Callable[..., PyTree], problem: Problem) -> Traced:
    """Traces a function of a problem's arguments.

    Arrays and floating numbers become inputs; other leaves (integers, flags, strings, functions)
    are what they are. A function that needs the numbers in its data (the length of a mask, a
    branch) is traced with the data as constants.

    Args:
        function: What to trace, called with the problem's arguments.
        problem: In the precision of the moment.

    Returns:
        The trace.

    Raises:
        Exception: What the function raises when it is traced, the first time.
    """
    leaves = jax.tree.leaves(problem.arguments)
    moving = moving_leaves(problem)
    data = [i for i, leaf in enumerate(leaves) if i not in moving and is_data(leaf)]
    of_jax = [jax.numpy.asarray(leaf) if i in data else leaf for i, leaf in enumerate(leaves)]
    first: Exception | None = None
    for takes, given in (((*moving, *data), leaves), (moving, leaves), (moving, of_jax)):
        try:
            return _trace(function, problem, takes, given)
        except Exception as error:
            first = first or error
    assert first is not None
    raise first


def is_data(leaf: Any) -> bool:
    """Whether a leaf is traced: an array, or a floating number; a NumPy scalar is a number."""
    if isinstance(leaf, np.generic):
        return bool(np.issubdtype(leaf.dtype, np.floating))
    return isinstance(leaf, float) or is_array(leaf)


def _trace(
    function: Callable[..., PyTree], problem: Problem, takes: tuple[int, ...], leaves: Leaves
) -> Traced:
    tree = jax.tree.structure(problem.arguments)

    def of_inputs(*inputs: Any) -> PyTree:  # a new function for each trace: JAX caches by it
        filled = own_copies(leaves)
        for i, value in zip(takes, inputs, strict=True):
            filled[i] = value
        return function(*jax.tree.unflatten(tree, filled))

    with quietly():
        closed, shapes = jax.make_jaxpr(of_inputs, return_shape=True)(*(leaves[i] for i in takes))
    return Traced(closed, takes, jax.tree.structure(shapes))


def call(function: Callable[..., Any], problem: Problem) -> Any:
    """Calls a function that JAX can't trace, with arrays of NumPy of its own.

    Args:
        function: Called with copies of the problem's arguments, which it may change; with arrays
            of JAX if those of NumPy are not to its liking.
        problem: In any precision.

    Returns:
        What the function returns, its arrays copied.

    Raises:
        Exception: What the function raises when it is called with arrays of NumPy.
    """
    leaves, tree = jax.tree.flatten(problem.arguments)
    moving = moving_leaves(problem)
    of_numpy = [_plain(leaf) if i in moving else leaf for i, leaf in enumerate(leaves)]
    with quietly():
        try:
            result = function(*jax.tree.unflatten(tree, own_copies(of_numpy)))
        except Exception as error:
            of_jax = [jax.numpy.asarray(x) if is_array(x) else x for x in leaves]
            try:
                result = function(*jax.tree.unflatten(tree, of_jax))
            except Exception:
                raise error from None
    return jax.tree.map(lambda leaf: np.array(leaf) if is_array(leaf) else leaf, result)


def own_copies(leaves: Sequence[Any]) -> Leaves:
    """The leaves, arrays of NumPy copied, so that a function may change them."""
    return [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]


def _plain(leaf: Any) -> Any:
    """An array of NumPy; a number if it has no axes."""
    return np.asarray(leaf)[()]


@contextmanager
def quietly() -> Iterator[None]:
    """Where users' functions run: what they warn of is no error here."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
