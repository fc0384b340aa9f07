"""The two models of the report, each a handful of pure functions that the training loop calls."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int32

from mnist_jax import features, gradients, losses


class Model(NamedTuple):
    """What the training loop knows of a model.

    Attributes:
        init: (number of inputs, dtype) to the initial weights, zeros as in the report.
        targets: (labels, dtype) to the targets that `loss` and `gradient` take.
        loss: (weights, inputs, targets) to the mean cross entropy, without penalty.
        gradient: (weights, inputs, targets, l2) to the hand-derived gradient of `objective`.
        predict: (weights, inputs) to the predicted labels.
    """

    init: Callable[[int, DTypeLike], Array]
    targets: Callable[[Array, DTypeLike], Array]
    loss: Callable[[Array, Array, Array], Array]
    gradient: Callable[[Array, Array, Array, Array], Array]
    predict: Callable[[Array, Array], Array]


def objective(
    model: Model,
    weights: Float[Array, "..."],
    inputs: Float[Array, "N I"],
    targets: Float[Array, "N ..."],
    l2: Float[Array, ""] | float,
) -> Float[Array, ""]:
    r"""What training minimises (task 4): $J(w) = C(w) + \lambda R(w)$.

    Args:
        model: Gives the cross entropy C.
        weights: The model's weights.
        inputs: One row per example.
        targets: The model's targets.
        l2: The factor $\lambda \ge 0$ of the penalty.

    Returns:
        The objective, a scalar.

    Example:
        >>> weights, inputs, targets = jnp.ones(1), jnp.zeros((1, 1)), jnp.ones(1)
        >>> print(f"{objective(logistic, weights, inputs, targets, 1.0):.4f}")
        1.6931
    """
    return model.loss(weights, inputs, targets) + l2 * losses.l2_penalty(weights)


def _logistic_predict(
    weights: Float[Array, " I"], inputs: Float[Array, "N I"]
) -> Int32[Array, " N"]:
    return (inputs @ weights >= 0).astype(jnp.int32)  # 1 where the sigmoid is at least 1/2


logistic = Model(
    init=jnp.zeros,
    targets=lambda labels, dtype: labels.astype(dtype),
    loss=lambda weights, inputs, targets: losses.logistic_cross_entropy(inputs @ weights, targets),
    gradient=gradients.regularized_logistic_gradient,
    predict=_logistic_predict,
)
"""Logistic regression (task 2): weights (I,), labels 0 and 1."""


def _softmax_loss(
    weights: Float[Array, "K I"], inputs: Float[Array, "N I"], targets: Float[Array, "N K"]
) -> Float[Array, ""]:
    return losses.softmax_cross_entropy(jnp.inner(weights, inputs), targets.T)


def _softmax_predict(
    weights: Float[Array, "K I"], inputs: Float[Array, "N I"]
) -> Int32[Array, " N"]:
    return jnp.argmax(jnp.inner(weights, inputs), axis=0).astype(jnp.int32)


def softmax_regression(num_classes: int) -> Model:
    """Softmax regression (tasks 3 and 4): weights (K, I), labels 0..K - 1.

    A new model each time it is called, and so a new compilation: keep the one you made.

    Args:
        num_classes: The number of classes K.

    Returns:
        The model.

    Example:
        >>> softmax_regression(3).init(5, jnp.float32).shape
        (3, 5)
    """
    return Model(
        init=lambda num_inputs, dtype: jnp.zeros((num_classes, num_inputs), dtype),
        targets=lambda labels, dtype: features.one_hot(labels, num_classes, dtype),
        loss=_softmax_loss,
        gradient=gradients.regularized_softmax_gradient,
        predict=_softmax_predict,
    )


softmax = softmax_regression(num_classes=10)
"""Softmax regression on the ten digits."""
