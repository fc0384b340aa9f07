"""Checks the derivative rule of a function with `jax.custom_vjp` or `jax.custom_jvp`."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck.checker import check
from mnist_jax.gradcheck.functions import quietly, trace
from mnist_jax.gradcheck.mistakes import surgery
from mnist_jax.gradcheck.problem import Problem, as_arrays, cast, is_floating
from mnist_jax.gradcheck.report import Report
from mnist_jax.gradcheck.validation import raised
from mnist_jax.precision import in_precision


def check_rule(
    function: Callable[..., Any],
    *arguments: Any,
    argnums: int | Sequence[int] | None = None,
    seed: int = 0,
    **options: Any,
) -> Report:
    r"""Checks the custom derivative rules of a function.

    For a random cotangent c, the gradient of $\langle c, f(x) \rangle$ by the rule is compared with
    autodiff of the same function without its rules, and with differences of its values. The check
    also compares the value that the rule computes in the forward pass, and tests that the rule is
    linear in the cotangent.

    Args:
        function: Function that returns a pytree of arrays of any shape. It, or a function that it
            calls, has a rule by `jax.custom_vjp` or `jax.custom_jvp`.
        *arguments: Arguments at which to check.
        argnums: Positions of the arguments to differentiate; by default all arguments that contain
            only floating numbers.
        seed: Seed for drawing the cotangent, the points and the directions.
        **options: Options of `Checker`: points, directions, precisions, project.

    Returns:
        The report.

    Raises:
        UsageError: If the function has no rule or no floating argument, or if it raises.

    Example:
        >>> @jax.custom_jvp
        ... def log1pexp(x):
        ...     return jnp.log1p(jnp.exp(x))
        >>> log1pexp.defjvps(lambda tangent, value, x: tangent * jax.nn.sigmoid(x))
        >>> check_rule(log1pexp, np.linspace(-3, 3, 5)).passes
        True
    """
    given = tuple(as_arrays(argument) for argument in arguments)
    chosen = _floating(given) if argnums is None else argnums
    chosen = (chosen,) if isinstance(chosen, int) else tuple(chosen)
    if not chosen:
        raise UsageError("no argument holds floating numbers alone: nothing to differentiate.")
    cotangent = _cotangent(function, given, chosen, seed)

    def weighed(results: PyTree) -> Any:
        pairs = zip(jax.tree.leaves(results), cotangent, strict=True)
        return sum(jnp.sum(jnp.asarray(c, r.dtype) * r) for r, c in pairs if _differentiable(r))

    def underneath(*arguments: Any) -> Any:
        return weighed(without_rules(function)(*arguments))

    def by_rule(*arguments: Any) -> Any:
        def of_chosen(*values: Any) -> Any:
            filled = dict(enumerate(arguments)) | dict(zip(chosen, values, strict=True))
            return weighed(function(*filled.values()))

        value, back = jax.vjp(of_chosen, *(arguments[i] for i in chosen))
        once, thrice = (back(jnp.asarray(c, value.dtype)) for c in (1.0, 3.0))
        # the difference is wrong if the rule is not linear in the cotangent
        return value, jax.tree.map(lambda a, b: (b - a) / 2, once, thrice)

    loss = functools.update_wrapper(underneath, function)
    report = check(loss, by_rule, *given, argnums=chosen, seed=seed, has_value=True, **options)
    if report.passes:
        return report
    diagnosis = _of_cotangent(function, given, chosen, cotangent)
    return replace(report, diagnosis=tuple(diagnosis)) if diagnosis else report


def _of_cotangent(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    chosen: tuple[int, ...],
    cotangent: list[np.ndarray],
) -> list[str]:
    """Describes a rule that ignores its cotangent or is not linear in it; empty otherwise."""

    def results(*values: Any) -> list[Any]:
        filled = dict(enumerate(arguments)) | dict(zip(chosen, values, strict=True))
        pairs = zip(jax.tree.leaves(function(*filled.values())), cotangent, strict=True)
        return [jnp.sum(jnp.asarray(c, r.dtype) * r) for r, c in pairs if _differentiable(r)]

    with in_precision("float64"), quietly():
        values, back = jax.vjp(results, *cast(tuple(arguments[i] for i in chosen), "float64"))
        once, thrice = (
            jax.tree.leaves(back([jnp.asarray(k, v.dtype) for v in values])) for k in (1.0, 3.0)
        )
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(once, thrice, strict=True)]
    if all(np.allclose(3 * a, b, rtol=1e-6) for a, b in pairs):
        return []
    if all(np.array_equal(a, b) for a, b in pairs):
        return ["the rule does not use its cotangent: multiply by it"]
    return ["the rule is not linear in its cotangent, as a derivative must be"]


def without_rules(function: Callable[..., Any]) -> Callable[..., Any]:
    """Removes the custom rules of a function, so that JAX's own rules differentiate it."""

    def underneath(*arguments: Any) -> Any:
        leaves, tree = jax.tree.flatten(arguments)
        traced = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "dtype")]

        def of_arrays(*arrays: Any) -> Any:
            filled = list(leaves)
            for i, array in zip(traced, arrays, strict=True):
                filled[i] = array
            return function(*jax.tree.unflatten(tree, filled))

        arrays = [leaves[i] for i in traced]
        closed, shapes = jax.make_jaxpr(of_arrays, return_shape=True)(*arrays)
        results = surgery.without_rules(closed, arrays)
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return underneath


def _floating(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    def all_floating(argument: Any) -> bool:
        leaves = jax.tree.leaves(argument)
        return bool(leaves) and all(is_floating(leaf) for leaf in leaves)

    return tuple(i for i, argument in enumerate(arguments) if all_floating(argument))


def _differentiable(result: Any) -> bool:
    return bool(jnp.issubdtype(result.dtype, jnp.floating))


def _cotangent(
    function: Callable[..., Any], arguments: tuple[Any, ...], chosen: tuple[int, ...], seed: int
) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    with in_precision("float64"):
        problem = Problem(function, function, chosen, arguments).cast("float64")
        try:
            traced = trace(function, problem)
        except Exception as error:
            raise raised("function", error, problem) from error
    if not any(e.primitive.name in surgery.RULES for e in surgery.equations(traced.closed)):
        raise UsageError(
            f"{getattr(function, '__name__', function)} has no rule by jax.custom_vjp or "
            "jax.custom_jvp: give the function that has one; a loss and its gradient are for check."
        )
    return [rng.normal(size=aval.shape) for aval in traced.closed.out_avals]
