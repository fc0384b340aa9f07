"""Backward passes through sequences as courses set them: recurrent networks, attention."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "as in {}", origin="rewritten")

STEPS, INPUTS, SIZE = 4, 3, 3


@entry("recurrent network", "CS231n", "a dict; NumPy in place; closure", 81)
def recurrent(rng: Generator) -> Case:
    """A recurrent network of tanh units over four steps."""
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

    return Case(loss, backward, (params,)).with_mistakes(
        wrong.given("the slope of tanh forgotten", wrong.MASK, slope=False),
        wrong.given("not through time", through=False),
        wrong.given("the first step left out", r"first (step|example)", first=1),
    )


@entry("LSTM step", "CS231n", "two arguments; argnum=(0, 1)", 82)
def gated(rng: Generator) -> Case:
    """One step of an LSTM, its four gates side by side in one matrix."""
    row, state, cell, out = (rng.normal(size=SIZE) for _ in range(4))

    def gates(raw: Any, xp: Any) -> tuple[Any, ...]:
        i, f, o, g = (raw[k * SIZE : (k + 1) * SIZE] for k in range(4))
        logistic = lambda z: 1 / (1 + xp.exp(-z))
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

    arguments = (rng.normal(size=(SIZE, 4 * SIZE)), rng.normal(size=(SIZE, 4 * SIZE)))
    return Case(loss, backward, arguments, {"argnum": (0, 1)}).with_mistakes(
        wrong.given("the output gate forgotten", r", [678]", output=False),
        wrong.given("the cell's tanh without a slope", wrong.MASK, tanh=False),
        wrong.exchanged("inputs and states exchanged", 0, 1),
    )


@entry("causal attention", "transformer tutorials", "-inf as a mask; three arrays", 83)
def attention(rng: Generator) -> Case:
    """Causal attention of one head, by queries, keys and values."""
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

    arguments = tuple(rng.normal(size=(count, size)) for _ in range(3))
    return Case(loss, backward, arguments, {"argnum": (0, 1, 2)}).with_mistakes(
        wrong.given("softmax over the queries", r"axis|over the", axis=0),
        wrong.given("softmax's slope halved", centred=False),
        wrong.scaled("the scale forgotten for the keys", 2.0, wrong.TWICE, leaf=1),
    )


@entry("exponential smoothing", "time series courses", "a scalar and a series", 84)
def smoothing(rng: Generator) -> Case:
    """An exponential smoother's errors, with the chain through time by its one parameter."""
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

    return Case(loss, gradient, (np.float64(0.3), series)).with_mistakes(
        wrong.given("not through time", through=False),
        wrong.given("the last value left out", wrong.last(11), count=11),
        wrong.sum_for_mean(11),
    )
