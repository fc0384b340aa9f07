"""The two models of the report, each a NamedTuple of pure functions."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PyTree

from mnist_jax import features, gradients, losses
from mnist_jax.errors import UsageError

Weights = Any
"""Pytree of floating-point arrays, the same in every function of a model."""


class Model(NamedTuple):
    """Functions of a model.

    Weights are any pytree of floating-point arrays, such as a dict with the matrices of two layers.

    Attributes:
        init: Function from (key, number of inputs, dtype) to the initial weights. The key is made
            from the seed of the run; the report's models ignore it and start at zero.
        targets: Function from (labels, dtype) to the targets of `loss` and `gradient`.
        loss: Function from (weights, inputs, targets) to the mean cross entropy, without penalty.
        gradient: Function from (weights, inputs, targets, l2) to the hand-derived gradient of
            `objective`, a pytree like the weights; unused with `gradient="autodiff"`.
        predict: Function from (weights, inputs) to the predicted labels.
        num_classes: Number of classes, with labels from 0 to `num_classes` - 1; None for unchecked
            labels.
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
    r"""Objective of the training (task 4): $J(w) = C(w) + \lambda R(w)$.

    Args:
        model: Model with the cross entropy C.
        weights: Weights of the model.
        inputs: Inputs, one row for each example.
        targets: Targets of the model.
        l2: The factor $\lambda \ge 0$ of the penalty.

    Returns:
        The objective, a scalar.

    Example:
        >>> weights, inputs, targets = jnp.ones(1), jnp.zeros((1, 1)), jnp.ones(1)
        >>> print(f"{objective(logistic, weights, inputs, targets, 1.0):.4f}")
        1.6931
    """
    return model.loss(weights, inputs, targets) + l2 * losses.l2_penalty(weights)


logistic = Model(
    init=lambda key, num_inputs, dtype: jnp.zeros(num_inputs, dtype),
    targets=lambda labels, dtype: labels.astype(dtype),
    loss=lambda weights, inputs, targets: losses.logistic_cross_entropy(inputs @ weights, targets),
    gradient=gradients.regularized_logistic_gradient,
    # 1 where the sigmoid is at least 1/2
    predict=lambda weights, inputs: (inputs @ weights >= 0).astype(jnp.int32),
    num_classes=2,
)
"""Logistic regression (task 2): weights (I,), labels 0 and 1."""


def softmax_regression(num_classes: int) -> Model:
    """Softmax regression (tasks 3 and 4): weights (K, I), labels 0..K - 1.

    Args:
        num_classes: Number K of classes.

    Returns:
        The model, the same object for the same K, so that it is compiled once.

    Raises:
        UsageError: If K is less than two.

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


@functools.cache  # which tells an argument given by name from one by position
def _softmax_regression(num_classes: int) -> Model:
    def logits(weights: Float[Array, "K I"], inputs: Float[Array, "N I"]) -> Float[Array, "K N"]:
        return jnp.inner(weights, inputs)

    return Model(
        init=lambda key, num_inputs, dtype: jnp.zeros((num_classes, num_inputs), dtype),
        targets=lambda labels, dtype: features.one_hot(labels, num_classes, dtype),
        loss=lambda w, x, targets: losses.softmax_cross_entropy(logits(w, x), targets.T),
        gradient=gradients.regularized_softmax_gradient,
        predict=lambda w, x: jnp.argmax(logits(w, x), axis=0).astype(jnp.int32),
        num_classes=num_classes,
    )


softmax = softmax_regression(num_classes=10)
"""Softmax regression on the ten digits."""
