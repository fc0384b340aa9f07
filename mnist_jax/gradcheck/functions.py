"""Traces the functions of users with JAX, or calls them directly if JAX can't trace them."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jaxtyping import PyTree

from mnist_jax.compat import ClosedJaxpr, Tracer, jaxpr_as_fun
from mnist_jax.gradcheck.problem import Problem, is_array

Leaves = list[Any]


@dataclass(frozen=True, eq=False)
class Traced:
    """A function as JAX's intermediate representation.

    Attributes:
        closed: Jaxpr, whose constants are the arrays that the function closes over.
        takes: Positions of the leaves of the arguments that are inputs; the others are constants.
            The differentiated leaves are the first.
        tree: Structure of the result.
    """

    closed: ClosedJaxpr
    takes: tuple[int, ...]
    tree: Any

    def inputs(self, leaves: Sequence[Any]) -> Leaves:
        """Returns the inputs of the jaxpr among the leaves of the arguments, as arrays."""
        chosen = (leaves[i] for i in self.takes)
        return [leaf if is_array(leaf) else np.asarray(leaf) for leaf in chosen]

    @cached_property
    def _jitted(self) -> Callable[..., Leaves]:
        # JAX caches the transformations of a jitted function; its constants are arguments, since
        # programs are compiled for any constants
        return jax.jit(
            lambda held, given: jaxpr_as_fun(ClosedJaxpr(self.closed.jaxpr, held))(*given)
        )

    def __call__(self, *inputs: Any) -> Leaves:
        """Evaluates the jaxpr in JAX, so that the evaluation can be transformed and traced."""
        return self._jitted(list(self.closed.consts), list(inputs))

    def transformed(self, function: Callable[..., Any], *more: Any) -> ClosedJaxpr:
        """Traces a function of further inputs and of those of the jaxpr, which calls this one.

        The user's function itself is not traced again.
        """
        avals = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in (*more, *self.closed.in_avals)]
        return jax.make_jaxpr(function)(*avals)


def moving_leaves(problem: Problem) -> tuple[int, ...]:
    """Returns the positions of the differentiated leaves among the leaves of all arguments."""
    counts = [len(jax.tree.leaves(argument)) for argument in problem.arguments]
    starts = np.cumsum([0, *counts])
    chosen = [range(starts[i], starts[i] + counts[i]) for i in problem.argnums]
    return tuple(int(i) for each in chosen for i in each)


def trace(function: Callable[..., PyTree], problem: Problem) -> Traced:
    """Traces a function of a problem's arguments, in the current precision.

    Arrays and floating numbers become inputs; other leaves (integers, flags, strings, functions)
    are passed unchanged. If the function needs the values of its data (for the length of a mask, or
    for a branch), it is traced with the data as constants. If that fails too, the exception of the
    first attempt is raised.
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
    """Returns whether a leaf is traced: an array or a floating number, but not a NumPy integer."""
    if isinstance(leaf, np.generic):
        return bool(np.issubdtype(leaf.dtype, np.floating))
    return isinstance(leaf, float) or is_array(leaf)


def _trace(
    function: Callable[..., PyTree], problem: Problem, takes: tuple[int, ...], leaves: Leaves
) -> Traced:
    tree = jax.tree.structure(problem.arguments)

    def of_inputs(*inputs: Any) -> PyTree:  # a new function for each trace, since JAX caches traces
        filled = own_copies(leaves)
        for i, value in zip(takes, inputs, strict=True):
            filled[i] = value
        return function(*jax.tree.unflatten(tree, filled))

    with quietly():
        closed, shapes = jax.make_jaxpr(of_inputs, return_shape=True)(*(leaves[i] for i in takes))
    for value in closed.consts:
        if isinstance(value, Tracer):
            raise jax.errors.UnexpectedTracerError("it uses a value that another function left")
    return Traced(closed, takes, jax.tree.structure(shapes))


def call(function: Callable[..., Any], problem: Problem) -> Any:
    """Calls a function that JAX can't trace, with copies of its NumPy arrays; copies its result.

    If the function raises, it is called with JAX arrays instead.
    """
    leaves, tree = jax.tree.flatten(problem.arguments)
    moving = moving_leaves(problem)
    of_numpy = [np.asarray(leaf)[()] if i in moving else leaf for i, leaf in enumerate(leaves)]
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
    """Copies the NumPy arrays among the leaves, so that a function may change them."""
    return [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]


@contextmanager
def quietly() -> Iterator[None]:
    """Suppresses warnings while functions of users run."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
