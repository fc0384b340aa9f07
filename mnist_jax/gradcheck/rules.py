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
    r"""Checks the derivative rules in a function against what they are the derivatives of.

    For a random cotangent c, the rule's gradient of $\langle c, f(x) \rangle$ is compared with
    autodiff of the function underneath, all of whose rules are taken away, and with differences
    of its values; the value that the rule computes on its way forward is checked too, and that
    the rule is linear in the cotangent.

    Args:
        function: Function of arguments to a pytree of arrays of any shapes, with rules by
            `jax.custom_vjp` or `jax.custom_jvp`, its own or of what it calls.
        *arguments: Where to check.
        argnums: The arguments that are differentiated; all that hold floating numbers alone, if
            it is not given.
        seed: Seed of the cotangent, the points and the directions.
        **options: Options of `Checker`: points, directions, precisions, project.

    Returns:
        The report.

    Raises:
        UsageError: If the function has no rule, or no floating argument, or raises.

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
        # a rule that is not linear in the cotangent shows in the difference
        return value, jax.tree.map(lambda a, b: (b - a) / 2, once, thrice)

    loss = functools.update_wrapper(underneath, function)
    report = check(loss, by_rule, *given, argnums=chosen, seed=seed, has_value=True, **options)
    if report.passes:
        return report
    said = _of_cotangent(function, given, chosen, cotangent)
    return replace(report, diagnosis=tuple(said)) if said else report


def _of_cotangent(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    chosen: tuple[int, ...],
    cotangent: list[np.ndarray],
) -> list[str]:
    """Says of a rule that it does not go with its cotangent, if that is so."""

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
    return ["the rule is not linear in its cotangent, as a derivative is"]


def without_rules(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function underneath: the same computation, differentiated by JAX's own rules.

    Args:
        function: Traceable by JAX.

    Returns:
        A function of the same arguments, traceable too.
    """

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
