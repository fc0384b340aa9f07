"""Wrong gradients of task 1b: mistakes in the mean, examples, inputs, or coordinates."""

from collections.abc import Callable

import jax.numpy as jnp
from jax.nn import softmax
from jaxtyping import Array, Float

from experiments.controls.mutations.mutation import CLASSES, INPUTS, Mutation
from mnist_jax.gradients import softmax_gradient

Weights = Float[Array, "K I"]
Inputs = Float[Array, "N I"]
Targets = Float[Array, "N K"]


def _mistake(
    name: str,
    wrong: str,
    gradient: Callable[[Weights, Inputs, Targets], Weights],
    inputs: int = INPUTS,
) -> Mutation:
    return Mutation(name, "1b", wrong, gradient, inputs)


def _scaled(name: str, wrong: str, factor: Callable[[int, int], float]) -> Mutation:
    """Makes a mistake in the factor, a function of the numbers of examples and classes."""
    return _mistake(name, wrong, lambda w, x, y: factor(*y.shape) * softmax_gradient(w, x, y))


def _inputs(name: str, wrong: str, change: Callable[[Inputs], Inputs]) -> Mutation:
    """Makes a mistake in the inputs."""
    return _mistake(name, wrong, lambda w, x, y: (softmax(x @ w.T) - y).T @ change(x) / len(x))


def _afterwards(name: str, wrong: str, change: Callable[[Weights], Weights]) -> Mutation:
    """Makes a mistake that changes the correct gradient."""
    return _mistake(name, wrong, lambda w, x, y: change(softmax_gradient(w, x, y)))


def _examples(name: str, wrong: str, change: Callable[[Array], Array]) -> Mutation:
    """Makes a mistake in the examples."""
    return _mistake(name, wrong, lambda w, x, y: softmax_gradient(w, change(x), change(y)))


def _clip_to_norm(g: Weights, norm: float) -> Weights:
    return g * jnp.minimum(1, norm / jnp.linalg.norm(g))


BATCH = (
    _scaled("sum", "1/N missing", lambda n, k: n),
    _scaled("1/N twice", "the mean of a mean", lambda n, k: 1 / n),
    _scaled("1/(N - 1)", "as of a variance", lambda n, k: n / (n - 1)),
    _scaled("1/K", "the classes for the examples", lambda n, k: n / k),
    _scaled("1/(N K)", "the mean over the classes too", lambda n, k: 1 / k),
    _inputs("raw pixels", "0 to 255 for -1 to 1", lambda x: 127.5 * (x + 1)),
    _inputs("inputs from 0 to 2", "the shift by -1 forgotten", lambda x: x + 1),
    _inputs("inputs reversed", "last pixel first", lambda x: x[:, ::-1]),
    _examples("an example dropped", "all but the last", lambda rows: rows[:-1]),
    _examples(
        "an example twice",
        "the last one counted again",
        lambda rows: jnp.concatenate([rows, rows[-1:]]),
    ),
    _examples("the first example", "a batch of one", lambda rows: rows[:1]),
    _mistake(
        "labels shifted",
        "y of the example before",
        lambda w, x, y: softmax_gradient(w, x, jnp.roll(y, 1, axis=0)),
    ),
    _mistake(
        "inputs in another order",
        "shuffled without their labels",
        lambda w, x, y: softmax_gradient(w, x[::-1], y),
    ),
    _mistake(
        "transposed",
        "x (ŷ - y) for (ŷ - y) x, where K = I",
        lambda w, x, y: softmax_gradient(w, x, y).T,
        inputs=CLASSES,
    ),
    _afterwards("bias missing", "last column zero", lambda g: g.at[:, -1].set(0)),
    _afterwards("pixel missing", "first column zero", lambda g: g.at[:, 0].set(0)),
    _afterwards("class missing", "last row zero", lambda g: g.at[-1].set(0)),
    _afterwards("classes exchanged", "rows 0 and 1", lambda g: g.at[:2].set(g[1::-1])),
    _afterwards("class as reference", "the last class's row from all", lambda g: g - g[-1:]),
    _afterwards("clipped values", "to 0.05, left in", lambda g: jnp.clip(g, -0.05, 0.05)),
    _afterwards("clipped norm", "to 0.1, left in", lambda g: _clip_to_norm(g, 0.1)),
    _afterwards("a coordinate times 1.001", "at [1, 2]", lambda g: g.at[1, 2].multiply(1.001)),
    _afterwards("a coordinate plus 0.0001", "at [1, 2]", lambda g: g.at[1, 2].add(1e-4)),
)
