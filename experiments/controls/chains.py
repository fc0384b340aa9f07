"""Random derivations, correct or with a mistake in one line."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import sigmoid, softmax
from jaxtyping import Array, Float
from numpy.random import Generator

from mnist_jax.derivation import Steps, check_steps

EXAMPLES, CLASSES, INPUTS = 5, 3, 4
Matrix = Float[Array, "N K"]
Weights = Float[Array, "K I"]


class Model(NamedTuple):
    """A loss of logits and targets, summed over examples and classes, and its predictions.

    The error of the predictions is the derivative of the loss with respect to the logits.
    """

    loss: Callable[[Matrix, Matrix], Array]
    predict: Callable[[Matrix], Matrix]


MODELS = {
    "softmax": Model(
        lambda z, y: jnp.sum(jax.nn.logsumexp(z, axis=1) - jnp.sum(y * z, axis=1)), softmax
    ),
    "logistic": Model(lambda z, y: jnp.sum(jnp.logaddexp(0.0, z) - y * z), sigmoid),
    "linear": Model(lambda z, y: jnp.sum((z - y) ** 2) / 2, lambda z: z),
    "Poisson": Model(lambda z, y: jnp.sum(jnp.exp(z) - y * z), jnp.exp),
}
# equal expressions for the parts of a line: the error of the predictions p of y
RESIDUALS: tuple[Callable[[Matrix, Matrix], Matrix], ...] = (
    lambda p, y: p - y,
    lambda p, y: -(y - p),
    lambda p, y: p * (1 - y) - y * (1 - p),
    lambda p, y: (p**2 - y**2) / (p + y),
    lambda p, y: p + (p - y) - p,
)
# equal expressions for the mean of its products with the inputs
MEANS: tuple[Callable[[Matrix, Array], Weights], ...] = (
    lambda r, x: r.T @ x / len(x),
    lambda r, x: jnp.mean(r[:, :, None] * x[:, None, :], axis=0),
    lambda r, x: jnp.einsum("nk,ni->ki", r, x) / len(x),
    lambda r, x: jnp.sum(jax.vmap(jnp.outer)(r, x), axis=0) / len(x),
    lambda r, x: (r / len(r)).T @ x,
)
# equal expressions for the gradient of the penalty
PENALTIES: tuple[Callable[[Weights, Array], Weights], ...] = (
    lambda w, l2: 2 * l2 * w,
    lambda w, l2: l2 * w + w * l2,
    lambda w, l2: l2 * (w + w),
    lambda w, l2: 2 * w / (1 / l2),
)


class Mistake(NamedTuple):
    """A mistake in one part of a line; the changes to the other parts are identities."""

    # change to the error of the predictions, given the predictions
    residual: Callable[[Matrix, Matrix], Matrix] = lambda r, p: r
    inputs: Callable[[Array], Array] = lambda x: x  # change to the inputs
    # change to the mean, given the number of examples
    mean: Callable[[Weights, int], Weights] = lambda g, n: g
    penalty: Callable[[Weights], Weights] = lambda g: g  # change to the penalty's gradient


NONE = Mistake()
MISTAKES: dict[str, tuple[Mistake, ...]] = {
    "sign": (
        Mistake(residual=lambda r, p: -r),
        Mistake(penalty=lambda g: -g),
        Mistake(residual=lambda r, p: 2 * p - r),
    ),
    "index": (
        Mistake(residual=lambda r, p: jnp.roll(r, 1, axis=1)),
        Mistake(inputs=lambda x: jnp.roll(x, 1, axis=1)),
        Mistake(inputs=lambda x: x[::-1]),
        Mistake(penalty=lambda g: g[::-1]),
    ),
    "a lost term": (
        Mistake(penalty=lambda g: 0 * g),
        Mistake(residual=lambda r, p: p),
        Mistake(residual=lambda r, p: r.at[-1].set(0)),
        Mistake(penalty=lambda g: g.at[:, -1].set(0)),
    ),
    "a lost factor": (
        Mistake(penalty=lambda g: g / 2),
        Mistake(inputs=jnp.ones_like),
        Mistake(residual=lambda r, p: r / p),
    ),
    "the sum for the mean": (Mistake(mean=lambda g, n: n * g),),
}


class Chain(NamedTuple):
    """A derivation and the position of its mistake."""

    name: str  # names of the model and of the kind of mistake
    first: Callable[..., Any]  # autodiff's gradient
    lines: tuple[Callable[..., Any], ...]  # lines of the derivation
    arguments: tuple[np.ndarray, ...]  # arrays at which the lines are compared
    wrong: int | None  # position of the first wrong line; None if all lines are correct


def draw_chain(rng: Generator, *, wrong: bool) -> Chain:
    """Draws a derivation of a random length.

    If it is wrong, one line has a mistake, which the later lines keep or correct at random.
    """
    name, length = str(rng.choice(list(MODELS))), int(rng.integers(3, 9))
    kind = str(rng.choice(list(MISTAKES)))
    mistake = MISTAKES[kind][rng.integers(len(MISTAKES[kind]))]
    position, stays = int(rng.integers(length)), bool(rng.random() < 0.5)
    wrong_ones = range(position, length if stays else position + 1) if wrong else range(0)
    labels = np.eye(CLASSES)[rng.integers(0, CLASSES, EXAMPLES)]
    weights, inputs = (rng.normal(size=(rows, INPUTS)) for rows in (CLASSES, EXAMPLES))
    arguments = (weights, inputs, labels, rng.uniform(0.1, 2, ()))
    lines = tuple(
        _line(rng, MODELS[name], mistake if number in wrong_ones else NONE)
        for number in range(length)
    )

    def loss(w: Weights, x: Array, y: Matrix, l2: Array) -> Array:
        return MODELS[name].loss(x @ w.T, y) / len(x) + l2 * jnp.sum(w**2)

    title = f"{name}, {kind}" if wrong else name
    return Chain(title, jax.grad(loss), lines, arguments, position if wrong else None)


def _line(rng: Generator, model: Model, mistake: Mistake) -> Callable[..., Weights]:
    residual, mean, penalty = (
        forms[rng.integers(len(forms))] for forms in (RESIDUALS, MEANS, PENALTIES)
    )

    def line(w: Weights, x: Array, y: Matrix, l2: Array) -> Weights:
        predicted = model.predict(x @ w.T)
        error = mistake.residual(residual(predicted, y), predicted)
        data = mistake.mean(mean(error, mistake.inputs(x)), len(x))
        return data + mistake.penalty(penalty(w, l2))

    return line


def check_chain(chain: Chain) -> Steps:
    """Check the lines of a derivation."""
    return check_steps(chain.first, *chain.lines, arguments=chain.arguments)
