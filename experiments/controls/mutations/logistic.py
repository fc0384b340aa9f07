"""Wrong gradients of task 1a."""

from collections.abc import Callable

import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Float

from experiments.controls.mutations.mutation import Mutation
from mnist_jax.gradients import logistic_gradient

Vector = Float[Array, " N"]


def _mistake(name: str, wrong: str, gradient: Callable[..., Array]) -> Mutation:
    return Mutation(name, "1a", wrong, gradient)


def _residual(name: str, wrong: str, residual: Callable[[Vector, Vector], Vector]) -> Mutation:
    """Makes a mistake in the residual, a function of logits and targets."""

    def gradient(w: Float[Array, " I"], x: Float[Array, "N I"], y: Vector) -> Float[Array, " I"]:
        return residual(x @ w, y) @ x / len(x)

    return _mistake(name, wrong, gradient)


LOGISTIC = (
    _residual("sign", "y - ŷ, uphill", lambda z, y: y - sigmoid(z)),
    _residual("absolute residual", "|ŷ - y|", lambda z, y: jnp.abs(sigmoid(z) - y)),
    _residual(
        "squared error",
        "times ŷ(1 - ŷ), as of a squared error",
        lambda z, y: (sigmoid(z) - y) * sigmoid(z) * (1 - sigmoid(z)),
    ),
    _residual(
        "half the chain",
        "the derivative by ŷ, without that of ŷ",
        lambda z, y: (sigmoid(z) - y) / (sigmoid(z) * (1 - sigmoid(z))),
    ),
    _residual(
        "derivative by the label",
        "∂C/∂y ŷ(1 - ŷ), as the report's text has it",
        lambda z, y: -z * sigmoid(z) * (1 - sigmoid(z)),
    ),
    _residual("one label's term", "-y(1 - ŷ), without 1 - y", lambda z, y: y * (sigmoid(z) - 1)),
    _residual("labels of -1 and 1", "2y - 1 for y", lambda z, y: sigmoid(z) - (2 * y - 1)),
    _residual("labels exchanged", "1 - y for y", lambda z, y: sigmoid(z) - (1 - y)),
    _residual("no sigmoid", "z for ŷ, as of a linear model", lambda z, y: z - y),
    _residual("sigmoid of -z", "of the wrong sign of z", lambda z, y: sigmoid(-z) - y),
    _residual("tanh", "for the sigmoid", lambda z, y: jnp.tanh(z) - y),
    _residual("hard predictions", "z > 0 for ŷ", lambda z, y: (z > 0).astype(z.dtype) - y),
    _mistake(
        "not divided",
        "the sum over the examples for their mean",
        lambda w, x, y: (sigmoid(x @ w) - y) @ x,
    ),
    _mistake(
        "divided by the inputs",
        "1/I for 1/N",
        lambda w, x, y: (sigmoid(x @ w) - y) @ x / x.shape[1],
    ),
    _mistake(
        "product of means",
        "the mean residual times the mean input",
        lambda w, x, y: jnp.mean(sigmoid(x @ w) - y) * jnp.mean(x, axis=0),
    ),
    _mistake(
        "bias frozen",
        "zero for the bias",
        lambda w, x, y: logistic_gradient(w, x, y).at[-1].set(0),
    ),
    _mistake(
        "labels one example late",
        "y of the example before",
        lambda w, x, y: logistic_gradient(w, x, jnp.roll(y, 1)),
    ),
)
