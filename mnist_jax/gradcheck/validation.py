"""Validates the arguments of a check and the results of the functions."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck.problem import (
    Problem,
    as_arrays,
    describe,
    is_array,
    is_floating,
)


def validate(problem: Problem, precisions: Sequence[str]) -> None:
    """Checks that the arguments can be differentiated and are finite in all precisions.

    Raises:
        UsageError: If an argument can't be differentiated or is not finite.
    """
    given = len(problem.arguments)
    for argnum in problem.argnums:
        if not 0 <= argnum < given:
            raise UsageError(
                f"argnum is {problem.argnum}, with {given} arguments: give 0 to {given - 1}."
            )
    for argnum, argument in enumerate(problem.arguments):
        leaves = jax.tree.leaves(argument)
        if argnum in problem.argnums and not leaves:
            raise UsageError(f"{problem.name(argnum)} holds no array: nothing to differentiate.")
        for name, leaf in zip(problem.leaf_names(argnum), leaves, strict=True):
            if type(leaf).__module__.startswith("scipy.sparse"):
                raise UsageError(
                    f"{name} is a {type(leaf).__name__} of scipy.sparse, which JAX can't "
                    "differentiate with: give its .toarray(), or let the functions close over it."
                )
            if argnum in problem.argnums:
                _check_differentiable(leaf, name)
                _check_finite(leaf, name, precisions)


def _check_differentiable(leaf: Any, name: str) -> None:
    if isinstance(leaf, complex) or (is_array(leaf) and jnp.iscomplexobj(leaf)):
        raise UsageError(
            f"{name} is {describe(leaf)}: complex arguments are not checked, since conventions "
            "differ (jax.grad returns the conjugate of the steepest ascent): make the real and "
            "the imaginary part two arguments."
        )
    if not is_floating(leaf):
        raise UsageError(
            f"{name} is {describe(leaf)}, which has no derivative: give floating numbers, and the "
            "rest of a model in another argument or in the functions (as equinox.partition does)."
        )
    if np.size(leaf) == 0:
        raise UsageError(f"{name} is {describe(leaf)}, which is empty: nothing to differentiate.")


def _check_finite(leaf: Any, name: str, precisions: Sequence[str]) -> None:
    for precision in sorted(precisions, reverse=True):
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(np.asarray(leaf).astype(precision))
        if np.any(bad):
            index = [int(i) for i in np.argwhere(bad)[0]]
            raise UsageError(
                f"{name}{index or ''} is {np.asarray(leaf)[tuple(index)]}, not finite in "
                f"{precision}: give finite numbers."
            )


def loss_value(value: Any, *, has_aux: bool) -> Any:
    """Returns the scalar in the result of the loss, which may be traced.

    Raises:
        UsageError: If the result is not a floating scalar.
    """
    if has_aux:
        if not isinstance(value, tuple) or len(value) != 2:
            raise UsageError(
                f"has_aux is given, but the loss returns {describe(value)}, which is not a pair."
            )
        value = value[0]
    if isinstance(value, tuple) and len(value) == 2 and jnp.shape(value[0]) == ():
        raise UsageError(
            f"the loss returns {describe(value)}: return one scalar, or give has_aux=True if the "
            "second is not to be differentiated."
        )
    leaves = jax.tree.leaves(value)
    if len(leaves) != 1 or jax.tree.structure(value) != jax.tree.structure(0):
        raise UsageError(f"the loss returns {describe(value)}: return one scalar.")
    try:
        dtype, shape = jnp.result_type(value), jnp.shape(leaves[0])
    except TypeError as error:
        raise UsageError(f"the loss returns {describe(value)}: return one scalar.") from error
    if math.prod(shape) != 1 or not jnp.issubdtype(dtype, jnp.floating):
        raise UsageError(
            f"the loss returns {describe(value)}, not a floating scalar: average or sum it."
        )
    return jnp.reshape(leaves[0], ()) if shape else value  # as x.T @ y of two columns


def gradient_leaves(
    result: Any, problem: Problem, *, has_value: bool, between: Any = ()
) -> tuple[Any, list[Any]]:
    """Splits the result of the gradient into its value, or None, and its leaves.

    Args:
        result: Result of the gradient, as numbers or as shapes.
        problem: Problem with the differentiated argument.
        has_value: Whether the gradient returns (value, gradient).
        between: Shapes of intermediate results of the loss, for a more helpful message.

    Returns:
        The value or None, and the leaves in the order of the differentiated leaves.

    Raises:
        UsageError: If structure, shapes or dtypes do not match the differentiated argument.
    """
    value = None
    if has_value:
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise UsageError(
                f"has_value is given, but the gradient returns {describe(result)}: return "
                "(value, gradient)."
            )
        value, result = result
    expected = problem.differentiated
    result = as_arrays(result) if _shapes(result) != _shapes(expected) else result
    if _shapes(result) != _shapes(expected):
        raise UsageError(_mismatch(result, problem, has_value=has_value, between=between))
    leaves = jax.tree.leaves(result)
    for leaf, name in zip(leaves, problem.names, strict=True):
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            raise UsageError(
                f"the gradient of {name} is {describe(leaf)}: return floating numbers."
            )
    return value, leaves


def _shapes(tree: Any) -> Any:
    if jax.tree.structure(tree) == jax.tree.structure(0):
        return getattr(tree, "shape", ()) if not isinstance(tree, str) else None
    if isinstance(tree, tuple | list):
        return [_shapes(each) for each in tree]
    return jax.tree.structure(tree), [getattr(leaf, "shape", ()) for leaf in jax.tree.leaves(tree)]


def _mismatch(result: Any, problem: Problem, *, has_value: bool, between: Any) -> str:
    expected = problem.differentiated
    name = ", ".join(problem.name(i) for i in problem.argnums)
    start = f"the gradient returns {describe(result)}, but {name} is {describe(expected)}"
    pair = isinstance(result, tuple | list)
    if pair and not has_value and len(result) == 2 and _shapes(result[1]) == _shapes(expected):
        return f"{start}: if it returns (value, gradient), give has_value=True."
    given = problem.arguments
    if pair and not isinstance(problem.argnum, tuple) and 1 < len(result) <= len(given):
        several = tuple(range(problem.argnum, problem.argnum + len(result)))
        if [_shapes(r) for r in result] == [_shapes(given[i]) for i in several if i < len(given)]:
            return f"{start}: to differentiate several arguments, give argnums={several}."
    return start + _hint(_shapes(result), _shapes(expected), between)


def _hint(shape: Any, wanted: Any, between: Any) -> str:
    """Suggests what to do about a gradient of another shape."""
    if not all(isinstance(size, int) for size in (*(shape or ()), *(wanted or ()))):
        return ": return the same tree."
    if shape == wanted[::-1]:
        return " (transposed?): return the same shape."
    if np.prod(shape) == np.prod(wanted):
        return f": reshape it to {list(wanted)}."
    if shape in between:
        return (
            ". Something that the loss computes on its way has that shape: is this the derivative "
            "with respect to an intermediate result, such as the logits? The chain rule goes on "
            "from there to the argument."
        )
    return ": return the same shape."


def raised(what: str, error: Exception, problem: Problem) -> UsageError:
    """Makes the error for a user's function that raises."""
    listed = ", ".join(
        f"{problem.name(i)}: {describe(argument)}" for i, argument in enumerate(problem.arguments)
    )
    first = str(error).split("\n", 1)[0]
    return UsageError(
        f"the {what} raised {type(error).__name__}: {first}\nIt was called with {listed}."
    )
