"""Custom derivative rules of JAX, from libraries and from tutorials."""

import pkgutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import NEVER, Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(
    foreign, ENTRIES, "as in {}", called="tutorials and issues of JAX", origin="rewritten"
)
VJP, JVP = "jax.custom_vjp", "jax.custom_jvp"


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


def library(rng: Generator, path: str, inputs: Sequence[str]) -> Case:
    """A rule from a library, with mistakes that change its tangent."""
    drawn = {"real": rng.normal(size=(3, 4)), "positive": rng.uniform(0.1, 0.9, (3, 4))}
    rule, arguments = pkgutil.resolve_name(path), tuple(drawn[each] for each in inputs)

    def around(change: Callable[[Any], Any]) -> Rule:
        # a function of the arrays alone, since a rule may have other arguments with defaults
        changed = jax.custom_jvp(lambda *given: rule(*given))  # noqa: PLW0108

        @changed.defjvp
        def _(primals: Any, tangents: Any) -> tuple[Any, Any]:
            value, tangent = jax.jvp(rule, primals, tangents)
            return value, change(tangent)

        return changed

    at = np.unravel_index(np.argmax(arguments[0]), np.shape(arguments[0]))
    off, place = lambda g: wrong.times_at(g, at, 1.001), wrong.place(*map(int, at))
    return Case(None, rule, arguments).with_mistakes(
        wrong.instead("the sign", around(lambda g: -g), wrong.SIGN),
        wrong.instead("a factor of 2", around(lambda g: 2 * g), wrong.TWICE),
        wrong.instead("a thousandth at one place", around(off), place),
    )


for source, path, inputs in (
    ("JAX, nn.relu", "jax.nn:relu", ["real"]),
    ("JAX, scipy.special.logit", "jax.scipy.special:logit", ["positive"]),
    ("JAX, scipy.special.xlogy", "jax.scipy.special:xlogy", ["positive", "positive"]),
    ("JAX, scipy.special.log_ndtr", "jax.scipy.special:log_ndtr", ["real"]),
    ("JAX, scipy.special.expi", "jax.scipy.special:expi", ["positive"]),
    (
        "Optax, weighted_logsoftmax",
        "optax.losses._classification:weighted_logsoftmax",
        ["real", "positive"],
    ),
):
    function = path.partition(":")[2]
    foreign(ENTRIES, "{}", function, source, JVP, 91, path=path, inputs=inputs)(library)


@entry("stable log1pexp", holds=JVP, seed=92)
def log1pexp(rng: Generator) -> Case:
    """log(1 + exp x) without overflow."""
    stable = lambda x: jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))
    point = rng.normal(size=7)
    return Case(None, with_slope(stable, jax.nn.sigmoid), (point,)).with_mistakes(
        wrong.instead("1 - the slope", with_slope(stable, lambda x: jax.nn.sigmoid(-x))),
        wrong.instead("the sign", with_slope(stable, lambda x: -jax.nn.sigmoid(x)), wrong.SIGN),
        wrong.instead("exp(x), without the chain", with_slope(stable, jnp.exp)),
    )


@entry("safe norm", holds=VJP, seed=93)
def norm(rng: Generator) -> Case:
    """A norm whose rule is safe at zero."""
    length = lambda x: jnp.sqrt(jnp.sum(x**2))

    def pullback(cotangent: Any, x: Any, power: int = 1, factor: float = 1.0) -> tuple[Any]:
        size = length(x)
        return (factor * cotangent * x / jnp.where(size > 0, size, 1) ** power,)

    ruled = partial(with_pullback, length)
    return Case(None, ruled(pullback), (rng.normal(size=5),)).with_mistakes(
        wrong.instead(
            "of the squared norm's size", ruled(partial(pullback, power=2)), r"norm|times"
        ),
        wrong.instead("twice", ruled(partial(pullback, factor=2.0)), wrong.TWICE),
        wrong.instead("the cotangent forgotten", ruled(lambda g, x: pullback(1.0, x)), *COTANGENT),
    )


@entry("linear solve by its adjoint", holds=VJP, seed=94)
def linear_solve(rng: Generator) -> Case:
    """The solution of a linear system, with the adjoint system in its rule."""

    def adjoint(cotangent: Any, a: Any, b: Any, transposed: bool = True, sign: int = -1) -> Any:
        inner = jnp.linalg.solve(a.T if transposed else a, cotangent)
        return sign * jnp.outer(inner, jnp.linalg.solve(a, b)), inner

    ruled = partial(with_pullback, jnp.linalg.solve)
    arguments = (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3))
    return Case(None, ruled(adjoint), arguments).with_mistakes(
        wrong.instead("not transposed", ruled(partial(adjoint, transposed=False)), r"transpose"),
        wrong.instead("the matrix's sign", ruled(partial(adjoint, sign=1)), wrong.SIGN),
        wrong.instead("the matrix's factor", ruled(partial(adjoint, sign=-2)), wrong.TWICE),
    )


@entry("fused cross entropy", holds=VJP, seed=95)
def cross_entropy(rng: Generator) -> Case:
    """Cross entropy of each row, as fused kernels have it."""
    each = lambda logits, targets: -jnp.sum(targets * jax.nn.log_softmax(logits), axis=1)

    def pullback(g: Any, logits: Any, targets: Any, axis: int = 1, size: float = 1.0) -> Any:
        total = targets.sum(axis=1, keepdims=True)
        slope = (total * jax.nn.softmax(logits, axis=axis) - targets) / size
        return g[:, None] * slope, -g[:, None] * jax.nn.log_softmax(logits)

    def unweighted(g: Any, logits: Any, targets: Any) -> Any:
        return pullback(jnp.ones_like(g), logits, targets)

    targets, ruled = np.eye(3)[rng.integers(0, 3, 4)], partial(with_pullback, each)
    return Case(None, ruled(pullback), (rng.normal(size=(4, 3)), targets)).with_mistakes(
        wrong.instead("the other axis", ruled(partial(pullback, axis=0)), r"axis|over the"),
        wrong.instead("half", ruled(partial(pullback, size=2.0)), wrong.HALF),
        wrong.instead("the cotangent forgotten", ruled(unweighted), *COTANGENT),
    )


@entry("implicit fixed point", holds=VJP, seed=96)
def fixed_point(rng: Generator) -> Case:
    """Implicit differentiation of a fixed point: x = tanh(a x + b)."""

    def solve(a: Any, b: Any) -> Any:
        step: Rule = lambda _, x: jnp.tanh(a * x + b)
        return jax.lax.fori_loop(0, 200, step, jnp.zeros_like(b))

    def pullback(g: Any, a: Any, b: Any, implicit: bool = True, sign: int = -1) -> Any:
        x = solve(a, b)
        slope = 1 - x**2
        inner = g * slope / (1 + sign * a * slope if implicit else 1)
        return inner * x, inner

    ruled = partial(with_pullback, solve)
    return Case(
        None, ruled(pullback), (rng.uniform(0.2, 0.6, 4), rng.normal(size=4))
    ).with_mistakes(
        wrong.instead("one step alone", ruled(partial(pullback, implicit=False))),
        wrong.instead("the system's sign", ruled(partial(pullback, sign=1))),
        wrong.instead("exchanged", ruled(lambda *a: pullback(*a)[::-1]), wrong.EXCHANGED),
    )


@entry("clip", holds=JVP)
def clipped(_: Generator) -> Case:
    """Clipping, with straight-through and other estimators as mistakes."""
    clip = lambda x: jnp.clip(x, -1.0, 1.0)
    inside = lambda x: jnp.where(jnp.abs(x) < 1, 1.0, 0.0)
    point = np.array([0.3, -1.7, 0.9, 2.1, -0.4, 0.6])
    return Case(None, with_slope(clip, inside), (point,)).with_mistakes(
        wrong.instead(
            "straight through", with_slope(clip, jnp.ones_like), r"straight|mask|zero|clip"
        ),
        wrong.instead("zero", with_slope(clip, jnp.zeros_like), r"zero|\b0 times"),
        wrong.instead(
            "the last left out", with_slope(clip, lambda x: inside(x).at[-1].set(0)), wrong.last(6)
        ),
    )
