"""Finds the data of a loss: other arguments, and the arrays that it closes over."""

from typing import Any, NamedTuple

import jax
import numpy as np

from mnist_jax.gradcheck.closures import captured
from mnist_jax.gradcheck.functions import Traced
from mnist_jax.gradcheck.problem import Problem, is_array


class Datum(NamedTuple):
    """An array in the data of a traced function.

    Attributes:
        name: Name of the argument with the path in it, or name of the captured variable.
        array: Values of the array.
        position: Position among the inputs, or among the constants, of the jaxpr.
        constant: Whether it is a constant of the jaxpr.
    """

    name: str
    array: np.ndarray
    position: int
    constant: bool


def data_of(traced: Traced, problem: Problem) -> list[Datum]:
    """Returns the arrays and floating numbers of a traced function that are not differentiated.

    The arguments are followed by captured arrays; a description replaces a missing name.
    """
    names = [name for i in range(len(problem.arguments)) for name in problem.leaf_names(i)]
    leaves = jax.tree.leaves(problem.arguments)
    moving = jax.tree.leaves(problem.differentiated)
    known = [(name, leaf) for name, leaf in zip(names, leaves, strict=True)]
    found = [
        Datum(names[leaf], np.asarray(leaves[leaf]), position, False)
        for position, leaf in enumerate(traced.takes)
        if not any(leaves[leaf] is each for each in moving) and _is_numeric(leaves[leaf])
    ]
    held = list(captured(problem.loss))
    for position, constant in enumerate(traced.closed.consts):
        if _is_numeric(constant):
            array = np.asarray(constant)
            name = _name(array, [*known, *held])
            found.append(Datum(name, array, position, True))
    return found


def arrays_of(traced: Traced | None, problem: Problem) -> dict[str, np.ndarray]:
    """Returns the data by name: other arguments, and captured arrays."""
    held = {} if traced is None else {d.name: d.array for d in reversed(data_of(traced, problem))}
    for argnum, argument in enumerate(problem.arguments):
        if argnum not in problem.argnums:
            pairs = zip(problem.leaf_names(argnum), jax.tree.leaves(argument), strict=True)
            held |= {name: np.asarray(leaf) for name, leaf in pairs if _is_numeric(leaf)}
    return held


def _is_numeric(value: Any) -> bool:
    if not is_array(value):
        return isinstance(value, float)
    return isinstance(value.dtype, np.dtype) and np.issubdtype(value.dtype, np.number)


def _name(array: np.ndarray, known: list[tuple[str, Any]]) -> str:
    for name, value in known:
        if not is_array(value) or not _is_numeric(value):
            continue
        other = np.asarray(value)
        if other.shape == array.shape and np.array_equal(other.astype(array.dtype), array):
            return name
    return f"the captured {array.dtype}{list(array.shape)}"
