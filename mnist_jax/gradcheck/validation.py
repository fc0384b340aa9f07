"""Wrong use, said before any number is compared: what can't be differentiated, what doesn't fit."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck.problem import Problem, describe
from mnist_jax.precision import in_precision


def validate(problem: Problem, precision: str) -> bool:
    """Sees that a loss can be differentiated, and that the gradient is one of its argument.

    Args:
        problem: In any precision.
        precision: The one in which it is to be called.

    Returns:
        Whether JAX can trace the gradient; one that computes with NumPy it can't.

    Raises:
        UsageError: If an argument has no derivative or is not finite, the loss is no scalar, the
            gradient is not one of the argument, or either raises.
    """
    given = len(problem.arguments)
    if not 0 <= problem.argnum < given:
        raise UsageError(
            f"argnum is {problem.argnum}, with {given} arguments: give 0 to {given - 1}."
        )
    for argnum in range(given):
        _check_argument(problem, argnum, precision)
    with in_precision(precision):
        cast = problem.cast(precision)
        _check_loss(cast)
        return _check_gradient(cast)


def _check_argument(problem: Problem, argnum: int, precision: str) -> None:
    leaves = jax.tree.leaves_with_path(problem.arguments[argnum])
    if argnum == problem.argnum and not leaves:
        raise UsageError(f"{problem.name(argnum)} holds no array: nothing to differentiate.")
    for path, leaf in leaves:
        place = f"{problem.name(argnum)}{jax.tree_util.keystr(path)}"
        try:
            dtype = jnp.result_type(leaf)
        except TypeError as error:
            raise UsageError(
                f"{place} is {leaf!r}, no array or number: bind it with functools.partial."
            ) from error
        floating = jnp.issubdtype(dtype, jnp.floating)
        if argnum == problem.argnum and not floating:
            raise UsageError(
                f"{place} is {describe(leaf)}: give floating numbers, which have a derivative."
            )
        if floating:
            _check_finite(leaf, place, precision)


def _check_finite(leaf: Any, place: str, precision: str) -> None:
    with np.errstate(over="ignore"):
        values = np.asarray(leaf).astype(precision)
    if not np.all(np.isfinite(values)):
        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise UsageError(
            f"{place}{index or ''} is {np.asarray(leaf)[tuple(index)]}, not finite in {precision}: "
            "give finite numbers."
        )


def _check_loss(problem: Problem) -> None:
    value, traceable = _called("loss", problem.loss, problem)
    if not traceable:
        raise UsageError("the loss can't be traced by JAX: write it with jax.numpy.")
    leaves = jax.tree.leaves(value)
    if len(leaves) != 1 or jax.tree.structure(value) != jax.tree.structure(0):
        raise UsageError(f"the loss returns {describe(value)}: return one scalar.")
    if jnp.shape(value) != () or not jnp.issubdtype(jnp.result_type(value), jnp.floating):
        raise UsageError(
            f"the loss returns {describe(value)}, not a floating scalar: average or sum it."
        )


def _check_gradient(problem: Problem) -> bool:
    gradient, traceable = _called("gradient", problem.gradient, problem)
    argument, name = problem.differentiated, problem.name(problem.argnum)
    if jax.tree.structure(gradient) != jax.tree.structure(argument):
        raise UsageError(
            f"the gradient returns {describe(gradient)}, but {name} is {describe(argument)}: "
            "return the same tree."
        )
    pairs = zip(jax.tree.leaves_with_path(argument), jax.tree.leaves(gradient), strict=True)
    for (path, expected), got in pairs:
        if describe(got) != describe(expected):
            hint = " (transposed?)" if jnp.shape(got) == jnp.shape(expected)[::-1] else ""
            raise UsageError(
                f"the gradient of {name}{jax.tree_util.keystr(path)} is {describe(got)}, but the "
                f"argument is {describe(expected)}{hint}: return the same shape and dtype."
            )
    return traceable


def _called(what: str, function: Callable[..., Any], problem: Problem) -> tuple[Any, bool]:
    """What a function of the user returns, and whether it could be traced: then as shapes."""
    try:
        return jax.eval_shape(function, *problem.arguments), True
    except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
        return _called_as_is(what, function, problem), False
    except Exception as error:
        raise _raised(what, error, problem) from error


def _called_as_is(what: str, function: Callable[..., Any], problem: Problem) -> Any:
    try:
        return function(*problem.arguments)
    except Exception as error:
        raise _raised(what, error, problem) from error


def _raised(what: str, error: Exception, problem: Problem) -> UsageError:
    listed = ", ".join(
        f"{problem.name(i)}: {describe(argument)}" for i, argument in enumerate(problem.arguments)
    )
    return UsageError(
        f"the {what} raised {type(error).__name__}: {error}\nIt was called with {listed}."
    )
