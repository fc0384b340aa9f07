"""Backward passes through sequences as courses set them: recurrent networks, attention."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    EXCHANGED,
    MASK,
    exchanged,
    instead,
    last,
    leaf_scaled,
    summed,
)

STEPS, INPUTS, SIZE = 4, 3, 3


def recurrent() -> Case:
    """A recurrent network of tanh units over four steps."""
    rng = np.random.default_rng(81)
    inputs, out = rng.normal(size=(STEPS, INPUTS)), rng.normal(size=(STEPS, SIZE))
    params = {"wx": rng.normal(size=(INPUTS, SIZE)), "wh": 0.7 * rng.normal(size=(SIZE, SIZE))}
    params["b"] = rng.normal(size=SIZE)

    def loss(params: Any) -> Any:
        def step(state: Any, row: Any) -> tuple[Any, Any]:
            state = jnp.tanh(row @ params["wx"] + state @ params["wh"] + params["b"])
            return state, state

        states = jax.lax.scan(step, jnp.zeros_like(params["b"]), jnp.asarray(inputs))[1]
        return jnp.sum(out * states)

    def backward(params: Any, *, slope: bool = True, through: bool = True, first: int = 0) -> Any:
        params = {name: np.asarray(value) for name, value in params.items()}
        states = [np.zeros(SIZE)]
        for row in inputs:
            raw = row @ params["wx"] + states[-1] @ params["wh"] + params["b"]
            states.append(np.tanh(raw))
        slopes = {name: np.zeros_like(value) for name, value in params.items()}
        down = np.zeros(SIZE)
        for t in reversed(range(first, STEPS)):
            up = out[t] + down
            raw = up * (1 - states[t + 1] ** 2) if slope else up
            slopes["wx"] += np.outer(inputs[t], raw)
            slopes["wh"] += np.outer(states[t], raw)
            slopes["b"] += raw
            down = raw @ params["wh"].T if through else np.zeros(SIZE)
        return slopes

    mistakes = (
        instead("the slope of tanh forgotten", lambda p: backward(p, slope=False), MASK),
        instead("not through time", lambda p: backward(p, through=False), ""),
        instead("the first step left out", lambda p: backward(p, first=1), r"first (step|example)"),
    )
    return Case(loss, backward, (params,), mistakes)


def gated() -> Case:
    """One step of an LSTM, its four gates side by side in one matrix."""
    rng = np.random.default_rng(82)
    row, state, cell, out = (rng.normal(size=SIZE) for _ in range(4))

    def gates(raw: Any, xp: Any) -> tuple[Any, ...]:
        i, f, o, g = (raw[k * SIZE : (k + 1) * SIZE] for k in range(4))
        logistic = lambda z: 1 / (1 + xp.exp(-z))  # noqa: E731 - local shorthand
        return logistic(i), logistic(f), logistic(o), xp.tanh(g)

    def loss(wx: Any, wh: Any) -> Any:
        i, f, o, g = gates(row @ wx + state @ wh, jnp)
        return jnp.sum(out * o * jnp.tanh(f * cell + i * g))

    def backward(wx: Any, wh: Any, *, output: bool = True, tanh: bool = True) -> Any:
        i, f, o, g = gates(row @ np.asarray(wx) + state @ np.asarray(wh), np)
        inner = np.tanh(f * cell + i * g)
        d_cell = out * o * ((1 - inner**2) if tanh else 1)
        raw = np.concatenate(
            [
                d_cell * g * i * (1 - i),
                d_cell * cell * f * (1 - f),
                out * inner * o * (1 - o) * output,
                d_cell * i * (1 - g**2),
            ]
        )
        return np.outer(row, raw), np.outer(state, raw)

    mistakes = (
        instead("the output gate forgotten", lambda *w: backward(*w, output=False), r", [678]"),
        instead("the cell's tanh without a slope", lambda *w: backward(*w, tanh=False), MASK),
        exchanged("inputs and states exchanged", 0, 1, EXCHANGED),
    )
    arguments = (rng.normal(size=(SIZE, 4 * SIZE)), rng.normal(size=(SIZE, 4 * SIZE)))
    return Case(loss, backward, arguments, mistakes, {"argnum": (0, 1)})


def attention() -> Case:
    """Causal attention of one head, by queries, keys and values."""
    rng = np.random.default_rng(83)
    out, count, size = rng.normal(size=(5, 4)), 5, 4
    allowed = np.tril(np.ones((count, count), bool))

    def loss(q: Any, k: Any, v: Any) -> Any:
        scores = jnp.where(allowed, q @ k.T / np.sqrt(size), -jnp.inf)
        return jnp.sum(out * (jax.nn.softmax(scores, axis=1) @ v))

    def backward(q: Any, k: Any, v: Any, *, centred: bool = True, axis: int = 1) -> Any:
        q, k, v = (np.asarray(each) for each in (q, k, v))
        scores = np.where(allowed, q @ k.T / np.sqrt(size), -np.inf)
        shares = np.exp(scores - scores.max(axis=axis, keepdims=True))
        shares /= shares.sum(axis=axis, keepdims=True)
        up = out @ v.T
        inner = (up * shares).sum(axis=1, keepdims=True) if centred else 0
        down = shares * (up - inner) / np.sqrt(size)
        return down @ k, down.T @ q, shares.T @ out

    mistakes = (
        instead("softmax over the queries", lambda *a: backward(*a, axis=0), r"axis|over the"),
        instead("softmax's slope halved", lambda *a: backward(*a, centred=False), ""),
        leaf_scaled("the scale forgotten for the keys", 1, 2.0, r"(?<![\d.-])2 times|[Tt]wice"),
    )
    arguments = tuple(rng.normal(size=(count, size)) for _ in range(3))
    return Case(loss, backward, arguments, mistakes, {"argnum": (0, 1, 2)})


def smoothing() -> Case:
    """An exponential smoother's errors, with the chain through time by its one parameter."""
    rng = np.random.default_rng(84)
    series = rng.normal(size=12).cumsum()

    def loss(alpha: Any, series: Any) -> Any:
        def step(level: Any, value: Any) -> tuple[Any, Any]:
            return level + alpha * (value - level), value - level

        errors = jax.lax.scan(step, series[0], series[1:])[1]
        return jnp.mean(errors**2)

    def gradient(alpha: Any, series: Any, *, through: bool = True, count: int = 12) -> Any:
        series = np.asarray(series)
        level, slope, total = series[0], 0.0, 0.0
        for value in series[1:count]:
            error = value - level
            total -= 2 * error * slope
            slope = (slope * (1 - alpha) if through else 0.0) + error
            level = level + alpha * error
        return np.asarray(total / 11)

    mistakes = (
        instead("not through time", lambda *a: gradient(*a, through=False), ""),
        instead("the last value left out", lambda *a: gradient(*a, count=11), last(11)),
        instead("the sum for the mean", lambda *a: 11 * gradient(*a), summed(11)),
    )
    return Case(loss, gradient, (np.float64(0.3), series), mistakes)


def _entry(name: str, course: str, held: str, make: Callable[[], Case]) -> Foreign:
    return Foreign(name, f"as in {course}", held, make, "rewritten")


COURSES_SEQUENCES = (
    _entry("recurrent network", "CS231n", "a dict; NumPy in place; closure", recurrent),
    _entry("LSTM step", "CS231n", "two arguments; argnum=(0, 1)", gated),
    _entry("causal attention", "transformer tutorials", "-inf as a mask; three arrays", attention),
    _entry("exponential smoothing", "time series courses", "a scalar and a series", smoothing),
)
