"""Wrong parts of the report's gradients, each with a mistake that people make.

Each table has the names of its mistakes, their descriptions, and what is computed instead.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.nn import log_softmax, one_hot, sigmoid, softmax
from jaxtyping import Array, Float

from mnist_jax.gradients import logistic_gradient, softmax_gradient

EXAMPLES = 64
"""Number of examples."""

Matrix = Float[Array, "N K"]
Table = dict[str, tuple[str, Callable[..., Any]]]


def _sum_without_own(terms: Matrix) -> Matrix:
    """Returns the sum over k except k = i, for each i."""
    return jnp.sum(terms, axis=1, keepdims=True) - terms


def _exponential(z: Matrix) -> Matrix:
    return jnp.exp(z - jnp.max(z, axis=1, keepdims=True))


def _unit(rows: Matrix) -> Matrix:
    return rows / jnp.linalg.norm(rows, axis=1, keepdims=True)


def _rounded(p: Matrix, dtype: Any) -> Matrix:
    return p.astype(dtype).astype(p.dtype)


LOGISTIC_RESIDUALS: Table = {
    "sign": ("y - ŷ, uphill", lambda z, y: y - sigmoid(z)),
    "absolute residual": ("|ŷ - y|", lambda z, y: jnp.abs(sigmoid(z) - y)),
    "squared error": (
        "times ŷ(1 - ŷ), as of a squared error",
        lambda z, y: (sigmoid(z) - y) * sigmoid(z) * (1 - sigmoid(z)),
    ),
    "half the chain": (
        "the derivative by ŷ, without that of ŷ",
        lambda z, y: (sigmoid(z) - y) / (sigmoid(z) * (1 - sigmoid(z))),
    ),
    "derivative by the label": (
        "∂C/∂y ŷ(1 - ŷ), as the report's text has it",
        lambda z, y: -z * sigmoid(z) * (1 - sigmoid(z)),
    ),
    "one label's term": ("-y(1 - ŷ), without 1 - y", lambda z, y: y * (sigmoid(z) - 1)),
    "labels of -1 and 1": ("2y - 1 for y", lambda z, y: sigmoid(z) - (2 * y - 1)),
    "labels exchanged": ("1 - y for y", lambda z, y: sigmoid(z) - (1 - y)),
    "no sigmoid": ("z for ŷ, as of a linear model", lambda z, y: z - y),
    "sigmoid of -z": ("of the wrong sign of z", lambda z, y: sigmoid(-z) - y),
    "tanh": ("for the sigmoid", lambda z, y: jnp.tanh(z) - y),
    "hard predictions": ("z > 0 for ŷ", lambda z, y: (z > 0).astype(z.dtype) - y),
}
"""Functions of logits and targets."""

LOGISTIC_GRADIENTS: Table = {
    "not divided": (
        "the sum over the examples for their mean",
        lambda w, x, y: (sigmoid(x @ w) - y) @ x,
    ),
    "divided by the inputs": ("1/I for 1/N", lambda w, x, y: (sigmoid(x @ w) - y) @ x / x.shape[1]),
    "product of means": (
        "the mean residual times the mean input",
        lambda w, x, y: jnp.mean(sigmoid(x @ w) - y) * jnp.mean(x, axis=0),
    ),
    "bias frozen": ("zero for the bias", lambda w, x, y: logistic_gradient(w, x, y).at[-1].set(0)),
    "labels one example late": (
        "y of the example before",
        lambda w, x, y: logistic_gradient(w, x, jnp.roll(y, 1)),
    ),
}
"""Functions of weights, inputs and targets."""

SOFTMAX_RESIDUALS: Table = {
    "residual's sign": ("y - ŷ, uphill", lambda z, y: y - softmax(z)),
    "residual's size": ("|ŷ - y|", lambda z, y: jnp.abs(softmax(z) - y)),
    "over the examples": ("softmax along the batch axis", lambda z, y: softmax(z, axis=0) - y),
    "over everything": (
        "one softmax over examples and classes",
        lambda z, y: softmax(z, axis=(0, 1)) - y,
    ),
    "sigmoid": ("each class on its own", lambda z, y: sigmoid(z) - y),
    "not normalized": ("e^z for the softmax", lambda z, y: _exponential(z) - y),
    "normalized by squares": (
        "e^z over the root of the sum of squares",
        lambda z, y: _unit(_exponential(z)) - y,
    ),
    "softmax twice": ("the softmax of ŷ", lambda z, y: softmax(softmax(z)) - y),
    "logarithm left in": ("ln ŷ for ŷ", lambda z, y: log_softmax(z) - y),
    "temperature": ("logits over 2", lambda z, y: softmax(z / 2) - y),
    "negative logits": ("softmax of -z", lambda z, y: softmax(-z) - y),
    "stale weights": ("logits of the initial weights", lambda z, y: softmax(0 * z) - y),
    "weights a step behind": ("logits 1 % too small", lambda z, y: softmax(0.99 * z) - y),
    "arg max": (
        "ŷ rounded to a hard label",
        lambda z, y: one_hot(jnp.argmax(z, axis=1), z.shape[1], dtype=z.dtype) - y,
    ),
    "squared error of the softmax": (
        "times ŷ(1 - ŷ)",
        lambda z, y: (softmax(z) - y) * softmax(z) * (1 - softmax(z)),
    ),
    "own class only": ("only the row of each example's label", lambda z, y: (softmax(z) - y) * y),
    "other classes only": ("ŷ without y", lambda z, y: softmax(z) * (1 - y)),
    "equation 11": (
        "k = i summed twice, the sign of its own term wrong",
        lambda z, y: jnp.sum(y, axis=1, keepdims=True) * softmax(z) + y * (1 - softmax(z)),
    ),
    "equation 12": (
        "the sign of the term k = i wrong",
        lambda z, y: _sum_without_own(y) * softmax(z) + y * (1 - softmax(z)),
    ),
    "equations 8 and 9": (
        "the square inside the sum",
        lambda z, y: (softmax(z) - y) / jnp.sum(softmax(z) ** 2, axis=1, keepdims=True),
    ),
    "clipped predictions": (
        "ŷ kept within [0.01, 0.99]",
        lambda z, y: jnp.clip(softmax(z), 0.01, 0.99) - y,
    ),
    "label smoothing": ("left in, at 0.1", lambda z, y: softmax(z) - (0.9 * y + 0.1 / y.shape[1])),
    "bfloat16": ("ŷ in eight bits", lambda z, y: _rounded(softmax(z), jnp.bfloat16) - y),
    "float16": ("ŷ in eleven bits", lambda z, y: _rounded(softmax(z), jnp.float16) - y),
    "labels a class too high": (
        "y of the class before",
        lambda z, y: softmax(z) - jnp.roll(y, 1, 1),
    ),
}
"""Functions of logits and targets."""

FACTORS: Table = {
    "sum": ("1/N missing", lambda n, k: n),
    "1/N twice": ("the mean of a mean", lambda n, k: 1 / n),
    "1/(N - 1)": ("as of a variance", lambda n, k: n / (n - 1)),
    "1/K": ("the classes for the examples", lambda n, k: n / k),
    "1/(N K)": ("the mean over the classes too", lambda n, k: 1 / k),
}
"""Functions of the numbers of examples and classes."""

INPUT_CHANGES: Table = {
    "raw pixels": ("0 to 255 for -1 to 1", lambda x: 127.5 * (x + 1)),
    "inputs from 0 to 2": ("the shift by -1 forgotten", lambda x: x + 1),
    "inputs reversed": ("last pixel first", lambda x: x[:, ::-1]),
}
EXAMPLE_CHANGES: Table = {
    "an example dropped": ("all but the last", lambda rows: rows[:-1]),
    "an example twice": (
        "the last one counted again",
        lambda rows: jnp.concatenate([rows, rows[-1:]]),
    ),
    "the first example": ("a batch of one", lambda rows: rows[:1]),
}
SOFTMAX_GRADIENTS: Table = {
    "labels shifted": (
        "y of the example before",
        lambda w, x, y: softmax_gradient(w, x, jnp.roll(y, 1, axis=0)),
    ),
    "inputs in another order": (
        "shuffled without their labels",
        lambda w, x, y: softmax_gradient(w, x[::-1], y),
    ),
    "transposed": (
        "x (ŷ - y) for (ŷ - y) x, where K = I",
        lambda w, x, y: softmax_gradient(w, x, y).T,
    ),
}
AFTERWARDS: Table = {
    "bias missing": ("last column zero", lambda g: g.at[:, -1].set(0)),
    "pixel missing": ("first column zero", lambda g: g.at[:, 0].set(0)),
    "class missing": ("last row zero", lambda g: g.at[-1].set(0)),
    "classes exchanged": ("rows 0 and 1", lambda g: g.at[:2].set(g[1::-1])),
    "class as reference": ("the last class's row from all", lambda g: g - g[-1:]),
    "clipped values": ("to 0.05, left in", lambda g: jnp.clip(g, -0.05, 0.05)),
    "clipped norm": ("to 0.1, left in", lambda g: g * jnp.minimum(1, 0.1 / jnp.linalg.norm(g))),
    "a coordinate times 1.001": ("at [1, 2]", lambda g: g.at[1, 2].multiply(1.001)),
    "a coordinate plus 0.0001": ("at [1, 2]", lambda g: g.at[1, 2].add(1e-4)),
}
"""Functions of the correct gradient."""

PENALTIES: Table = {
    "no penalty": ("2λw missing", lambda w, l2: jnp.zeros_like(w)),
    "λ for 2λ": ("as of R = ‖w‖²/2", lambda w, l2: l2 * w),
    "2w without λ": ("λ = 1", lambda w, l2: 2 * w),
    "4λw": ("2 twice", lambda w, l2: 4 * l2 * w),
    "λ²": ("multiplied with λ again", lambda w, l2: 2 * l2**2 * w),
    "penalty's sign": ("-2λw, away from zero", lambda w, l2: -2 * l2 * w),
    "penalty of the mean": ("2λw/N", lambda w, l2: 2 * l2 * w / EXAMPLES),
    "mean square": ("2λw over the number of weights", lambda w, l2: 2 * l2 * w / w.size),
    "bias not penalised": ("last column", lambda w, l2: 2 * l2 * w.at[:, -1].set(0)),
    "bias alone penalised": ("the others", lambda w, l2: 2 * l2 * w.at[:, :-1].set(0)),
    "first class alone penalised": ("row 0", lambda w, l2: 2 * l2 * w.at[1:].set(0)),
    "L1": ("λ sign(w)", lambda w, l2: l2 * jnp.sign(w)),
    "square of the size": ("2λ|w|", lambda w, l2: 2 * l2 * jnp.abs(w)),
    "norm not squared": ("λw/‖w‖", lambda w, l2: l2 * w / jnp.linalg.norm(w)),
    "penalty itself": ("λw² for its derivative", lambda w, l2: l2 * w**2),
    "summed over the classes": (
        "2λ times the sum of the rows",
        lambda w, l2: 2 * l2 * jnp.sum(w, axis=0, keepdims=True) + 0 * w,
    ),
}
"""Functions of the weights and lambda."""
