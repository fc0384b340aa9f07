"""Custom derivative rules of JAX, from libraries and from tutorials."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import NEVER, Case, Foreign, Mistake
from experiments.controls.foreign.mistakes import (
    EXCHANGED,
    HALF,
    SIGN,
    TWICE,
    instead,
    last,
    place,
    times_at,
)

Rule = Callable[..., Any]
COTANGENT = r"cotangent", NEVER + r"|is zero"
"""Expressions for the name of an unused cotangent, and for false statements about it."""


def with_slope(function: Rule, slope: Callable[[Any], Any]) -> Rule:
    """Gives a function of one array a forward rule, with the slope at each coordinate."""
    ruled = jax.custom_jvp(function)

    @ruled.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Any, Any]:
        return ruled(*primals), slope(*primals) * tangents[0]

    return ruled


def with_pullback(function: Rule, pullback: Callable[..., Any]) -> Rule:
    """Gives a function a reverse rule: (cotangent, *arguments) to cotangents of the arguments."""
    ruled = jax.custom_vjp(function)
    ruled.defvjp(
        lambda *arguments: (function(*arguments), arguments),
        lambda arguments, cotangent: pullback(cotangent, *arguments),
    )
    return ruled


def library(rule: Rule, *arguments: Any) -> Case:
    """Makes a case of a rule from a library, with mistakes that change its tangent."""

    def around(change: Callable[[Any], Any]) -> Rule:
        # a function of the arrays alone, since a rule may have other arguments with defaults
        changed = jax.custom_jvp(lambda *given: rule(*given))  # noqa: PLW0108

        @changed.defjvp
        def _(primals: Any, tangents: Any) -> tuple[Any, Any]:
            value, tangent = jax.jvp(rule, primals, tangents)
            return value, change(tangent)

        return changed

    at = np.unravel_index(np.argmax(arguments[0]), np.shape(arguments[0]))
    mistakes = (
        instead("the sign", around(lambda tangent: -tangent), SIGN),
        instead("a factor of 2", around(lambda tangent: 2 * tangent), TWICE),
        instead(
            "a thousandth at one place",
            around(lambda tangent: times_at(tangent, at, 1.001)),
            place(*map(int, at)),
        ),
    )
    return Case(None, rule, arguments, mistakes)


def library_entries() -> dict[str, Callable[[], Case]]:
    """Returns the cases of rules in JAX and Optax, by name."""
    rng = np.random.default_rng(91)
    real, positive = rng.normal(size=(3, 4)), rng.uniform(0.1, 0.9, (3, 4))

    def of_optax() -> Case:
        from optax.losses._classification import weighted_logsoftmax

        return library(weighted_logsoftmax, real, positive)

    return {
        "JAX, nn.relu": lambda: library(jax.nn.relu, real),
        "JAX, scipy.special.logit": lambda: library(jax.scipy.special.logit, positive),
        "JAX, scipy.special.xlogy": lambda: library(jax.scipy.special.xlogy, positive, positive),
        "JAX, scipy.special.log_ndtr": lambda: library(jax.scipy.special.log_ndtr, real),
        "JAX, scipy.special.expi": lambda: library(jax.scipy.special.expi, positive),
        "Optax, weighted_logsoftmax": of_optax,
    }


def _case(rule: Rule, arguments: tuple[Any, ...], *mistakes: Mistake) -> Case:
    return Case(None, rule, arguments, mistakes)


def log1pexp() -> Case:
    """log(1 + exp x) without overflow."""
    stable = lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))  # noqa: E731
    point = np.random.default_rng(92).normal(size=7)
    mistakes = (
        instead("1 - the slope", with_slope(stable, lambda x: jax.nn.sigmoid(-x)), ""),
        instead("the sign", with_slope(stable, lambda x: -jax.nn.sigmoid(x)), SIGN),
        instead("exp(x), without the chain", with_slope(stable, jnp.exp), ""),
    )
    return _case(with_slope(stable, jax.nn.sigmoid), (point,), *mistakes)


def norm() -> Case:
    """A norm whose rule is safe at zero."""

    def length(x: Any) -> Any:
        return jnp.sqrt(jnp.sum(x**2))

    def pullback(cotangent: Any, x: Any, power: int = 1, factor: float = 1.0) -> tuple[Any]:
        size = length(x)
        return (factor * cotangent * x / jnp.where(size > 0, size, 1) ** power,)

    ruled = partial(with_pullback, length)
    mistakes = (
        instead("of the squared norm's size", ruled(partial(pullback, power=2)), r"norm|times"),
        instead("twice", ruled(partial(pullback, factor=2.0)), TWICE),
        instead("the cotangent forgotten", ruled(lambda g, x: pullback(1.0, x)), *COTANGENT),
    )
    return _case(ruled(pullback), (np.random.default_rng(93).normal(size=5),), *mistakes)


def linear_solve() -> Case:
    """The solution of a linear system, with the adjoint system in its rule."""

    def adjoint(cotangent: Any, a: Any, b: Any, transposed: bool = True, sign: int = -1) -> Any:
        inner = jnp.linalg.solve(a.T if transposed else a, cotangent)
        return sign * jnp.outer(inner, jnp.linalg.solve(a, b)), inner

    rng = np.random.default_rng(94)
    ruled = partial(with_pullback, jnp.linalg.solve)
    mistakes = (
        instead("not transposed", ruled(partial(adjoint, transposed=False)), r"transpose"),
        instead("the matrix's sign", ruled(partial(adjoint, sign=1)), SIGN),
        instead("the matrix's factor", ruled(partial(adjoint, sign=-2)), TWICE),
    )
    arguments = (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3))
    return _case(ruled(adjoint), arguments, *mistakes)


def cross_entropy() -> Case:
    """Cross entropy of each row, as fused kernels have it."""

    def each(logits: Any, targets: Any) -> Any:
        return -jnp.sum(targets * jax.nn.log_softmax(logits), axis=1)

    def pullback(g: Any, logits: Any, targets: Any, axis: int = 1, size: float = 1.0) -> Any:
        total = targets.sum(axis=1, keepdims=True)
        slope = (total * jax.nn.softmax(logits, axis=axis) - targets) / size
        return g[:, None] * slope, -g[:, None] * jax.nn.log_softmax(logits)

    def unweighted(g: Any, logits: Any, targets: Any) -> Any:
        return pullback(jnp.ones_like(g), logits, targets)

    rng = np.random.default_rng(95)
    targets, ruled = np.eye(3)[rng.integers(0, 3, 4)], partial(with_pullback, each)
    mistakes = (
        instead("the other axis", ruled(partial(pullback, axis=0)), r"axis|over the"),
        instead("half", ruled(partial(pullback, size=2.0)), HALF),
        instead("the cotangent forgotten", ruled(unweighted), *COTANGENT),
    )
    return _case(ruled(pullback), (rng.normal(size=(4, 3)), targets), *mistakes)


def fixed_point() -> Case:
    """Implicit differentiation of a fixed point: x = tanh(a x + b)."""

    def solve(a: Any, b: Any) -> Any:
        step: Rule = lambda _, x: jnp.tanh(a * x + b)  # noqa: E731 - the body of the loop
        return jax.lax.fori_loop(0, 200, step, jnp.zeros_like(b))

    def pullback(g: Any, a: Any, b: Any, implicit: bool = True, sign: int = -1) -> Any:
        x = solve(a, b)
        slope = 1 - x**2
        inner = g * slope / (1 + sign * a * slope if implicit else 1)
        return inner * x, inner

    rng = np.random.default_rng(96)
    ruled = partial(with_pullback, solve)
    mistakes = (
        instead("one step alone", ruled(partial(pullback, implicit=False)), ""),
        instead("the system's sign", ruled(partial(pullback, sign=1)), ""),
        instead("exchanged", ruled(lambda *a: pullback(*a)[::-1]), EXCHANGED),
    )
    return _case(ruled(pullback), (rng.uniform(0.2, 0.6, 4), rng.normal(size=4)), *mistakes)


def clipped() -> Case:
    """Clipping, with straight-through and other estimators as mistakes."""
    clip: Rule = lambda x: jnp.clip(x, -1.0, 1.0)  # noqa: E731 - the function under the rule
    inside: Rule = lambda x: jnp.where(jnp.abs(x) < 1, 1.0, 0.0)  # noqa: E731 - its slope
    mistakes = (
        instead("straight through", with_slope(clip, jnp.ones_like), r"straight|mask|zero|clip"),
        instead("zero", with_slope(clip, jnp.zeros_like), r"zero|\b0 times"),
        instead("the last left out", with_slope(clip, lambda x: inside(x).at[-1].set(0)), last(6)),
    )
    point = np.array([0.3, -1.7, 0.9, 2.1, -0.4, 0.6])
    return _case(with_slope(clip, inside), (point,), *mistakes)


def _written(name: str, make: Callable[[], Case]) -> Foreign:
    held = "jax.custom_jvp" if make in (log1pexp, clipped) else "jax.custom_vjp"
    return Foreign(name, "as in tutorials and issues of JAX", held, make, "rewritten")


RULES = (
    *(
        Foreign(name.split(".")[-1].split(", ")[-1], name, "jax.custom_jvp", make)
        for name, make in library_entries().items()
    ),
    _written("stable log1pexp", log1pexp),
    _written("safe norm", norm),
    _written("linear solve by its adjoint", linear_solve),
    _written("fused cross entropy", cross_entropy),
    _written("implicit fixed point", fixed_point),
    _written("clip", clipped),
)
