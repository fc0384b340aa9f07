"""Wrong gradients of task 1b: mistakes in the predictions or in the residual."""

from collections.abc import Callable

import jax.numpy as jnp
from jax.nn import log_softmax, one_hot, sigmoid, softmax
from jaxtyping import Array, Float

from experiments.controls.mutations.mutation import Mutation

Matrix = Float[Array, "N K"]


def _mistake(name: str, wrong: str, residual: Callable[[Matrix, Matrix], Matrix]) -> Mutation:
    """Makes a mistake in the residual, a function of logits and targets."""

    def gradient(w: Float[Array, "K I"], x: Float[Array, "N I"], y: Matrix) -> Float[Array, "K I"]:
        return residual(x @ w.T, y).T @ x / len(x)

    return Mutation(name, "1b", wrong, gradient)


def _sum_without_own(terms: Matrix) -> Matrix:
    """Returns the sum over k except k = i, for each i."""
    return jnp.sum(terms, axis=1, keepdims=True) - terms


def _exponential(z: Matrix) -> Matrix:
    return jnp.exp(z - jnp.max(z, axis=1, keepdims=True))


def _smooth(y: Matrix) -> Matrix:
    return 0.9 * y + 0.1 / y.shape[1]


def _bfloat16(p: Matrix) -> Matrix:
    return p.astype(jnp.bfloat16).astype(p.dtype)


def _float16(p: Matrix) -> Matrix:
    return p.astype(jnp.float16).astype(p.dtype)


SOFTMAX = (
    _mistake("residual's sign", "y - ŷ, uphill", lambda z, y: y - softmax(z)),
    _mistake("residual's size", "|ŷ - y|", lambda z, y: jnp.abs(softmax(z) - y)),
    _mistake(
        "over the examples",
        "softmax along the batch axis",
        lambda z, y: softmax(z, axis=0) - y,
    ),
    _mistake(
        "over everything",
        "one softmax over examples and classes",
        lambda z, y: softmax(z, axis=(0, 1)) - y,
    ),
    _mistake("sigmoid", "each class on its own", lambda z, y: sigmoid(z) - y),
    _mistake("not normalized", "e^z for the softmax", lambda z, y: _exponential(z) - y),
    _mistake(
        "normalized by squares",
        "e^z over the root of the sum of squares",
        lambda z, y: _exponential(z) / jnp.linalg.norm(_exponential(z), axis=1, keepdims=True) - y,
    ),
    _mistake("softmax twice", "the softmax of ŷ", lambda z, y: softmax(softmax(z)) - y),
    _mistake("logarithm left in", "ln ŷ for ŷ", lambda z, y: log_softmax(z) - y),
    _mistake("temperature", "logits over 2", lambda z, y: softmax(z / 2) - y),
    _mistake("negative logits", "softmax of -z", lambda z, y: softmax(-z) - y),
    _mistake("stale weights", "logits of the initial weights", lambda z, y: softmax(0 * z) - y),
    _mistake("weights a step behind", "logits 1 % too small", lambda z, y: softmax(0.99 * z) - y),
    _mistake(
        "arg max",
        "ŷ rounded to a hard label",
        lambda z, y: one_hot(jnp.argmax(z, axis=1), z.shape[1], dtype=z.dtype) - y,
    ),
    _mistake(
        "squared error of the softmax",
        "times ŷ(1 - ŷ)",
        lambda z, y: (softmax(z) - y) * softmax(z) * (1 - softmax(z)),
    ),
    _mistake(
        "own class only",
        "only the row of each example's label",
        lambda z, y: (softmax(z) - y) * y,
    ),
    _mistake("other classes only", "ŷ without y", lambda z, y: softmax(z) * (1 - y)),
    _mistake(
        "equation 11",
        "k = i summed twice, the sign of its own term wrong",
        lambda z, y: jnp.sum(y, axis=1, keepdims=True) * softmax(z) + y * (1 - softmax(z)),
    ),
    _mistake(
        "equation 12",
        "the sign of the term k = i wrong",
        lambda z, y: _sum_without_own(y) * softmax(z) + y * (1 - softmax(z)),
    ),
    _mistake(
        "equations 8 and 9",
        "the square inside the sum",
        lambda z, y: (softmax(z) - y) / jnp.sum(softmax(z) ** 2, axis=1, keepdims=True),
    ),
    _mistake(
        "clipped predictions",
        "ŷ kept within [0.01, 0.99]",
        lambda z, y: jnp.clip(softmax(z), 0.01, 0.99) - y,
    ),
    _mistake("label smoothing", "left in, at 0.1", lambda z, y: softmax(z) - _smooth(y)),
    _mistake("bfloat16", "ŷ in eight bits", lambda z, y: _bfloat16(softmax(z)) - y),
    _mistake("float16", "ŷ in eleven bits", lambda z, y: _float16(softmax(z)) - y),
    _mistake(
        "labels a class too high",
        "y of the class before",
        lambda z, y: softmax(z) - jnp.roll(y, 1, 1),
    ),
)
