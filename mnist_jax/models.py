"""The two models of the report, each a handful of pure functions that the training loop calls."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int32, PyTree

from mnist_jax import features, gradients, losses
from mnist_jax.errors import UsageError

Weights = Any
"""A pytree of floating arrays, the same in every function of a model."""


class Model(NamedTuple):
    """What the training loop knows of a model.

    Weights are any pytree of floating arrays, such as a dict with the matrices of two layers.

    Attributes:
        init: (key, number of inputs, dtype) to the initial weights. The key is made from the seed
            of the run; the report's models ignore it and start at zero.
        targets: (labels, dtype) to the targets that `loss` and `gradient` take.
        loss: (weights, inputs, targets) to the mean cross entropy, without penalty.
        gradient: (weights, inputs, targets, l2) to the hand-derived gradient of `objective`, a
            pytree like the weights. Training with `gradient="autodiff"` never calls it.
        predict: (weights, inputs) to the predicted labels.
        num_classes: Labels are integers from 0 to `num_classes` - 1; None leaves them unchecked.
    """

    init: Callable[[Array, int, DTypeLike], Weights]
    targets: Callable[[Array, DTypeLike], Array]
    loss: Callable[[Weights, Array, Array], Array]
    gradient: Callable[[Weights, Array, Array, Array], Weights]
    predict: Callable[[Weights, Array], Array]
    num_classes: int | None = None


def objective(
    model: Model,
    weights: PyTree[Float[Array, "..."]],
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
    init=lambda key, num_inputs, dtype: jnp.zeros(num_inputs, dtype),
    targets=lambda labels, dtype: labels.astype(dtype),
    loss=lambda weights, inputs, targets: losses.logistic_cross_entropy(inputs @ weights, targets),
    gradient=gradients.regularized_logistic_gradient,
    predict=_logistic_predict,
    num_classes=2,
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

    Args:
        num_classes: The number of classes K.

    Returns:
        The model, the same one whenever K is the same, so that it is compiled once.

    Raises:
        UsageError: If there are fewer than two classes.

    Example:
        >>> import jax
        >>> softmax_regression(3).init(jax.random.key(0), 5, jnp.float32).shape
        (3, 5)
        >>> softmax_regression(3) is softmax_regression(3)
        True
    """
    if num_classes < 2:
        raise UsageError(f"num_classes is {num_classes}; give 2 or more.")
    return _softmax_regression(num_classes)


@functools.cache
def _softmax_regression(num_classes: int) -> Model:
    return Model(
        init=lambda key, num_inputs, dtype: jnp.zeros((num_classes, num_inputs), dtype),
        targets=lambda labels, dtype: features.one_hot(labels, num_classes, dtype),
        loss=_softmax_loss,
        gradient=gradients.regularized_softmax_gradient,
        predict=_softmax_predict,
        num_classes=num_classes,
    )


softmax = softmax_regression(num_classes=10)
"""Softmax regression on the ten digits."""
