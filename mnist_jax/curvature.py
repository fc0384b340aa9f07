r"""Hand-derived second derivatives for tasks 1a, 1b and 4a, as Hessian-vector products.

The Hessian of softmax regression on MNIST has 7,850 rows; its product with a vector costs three
matrix products. This module does not use autodiff. Second derivatives do not depend on the targets.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@partial(jnp.vectorize, signature="(k)->(k,k)")
def softmax_jacobian(logits: Float[Array, "*batch K"]) -> Float[Array, "*batch K K"]:
    r"""Jacobian of the softmax (equations 5 to 9).

    $$\frac{\partial \hat{y}_k}{\partial z_i} = \hat{y}_k (\delta_{ki} - \hat{y}_i)$$

    Args:
        logits: $z_k$, any leading axes.

    Returns:
        The symmetric matrix $\mathrm{diag}(\hat{y}) - \hat{y} \hat{y}^T$ of each row of logits.

    Example:
        >>> softmax_jacobian(jnp.zeros(2)).tolist()
        [[0.25, -0.25], [-0.25, 0.25]]
    """
    predictions = jax.nn.softmax(logits)
    return jnp.diag(predictions) - jnp.outer(predictions, predictions)


def logistic_hessian_product(
    weights: Float[Array, " I"], inputs: Float[Array, "N I"], direction: Float[Array, " I"]
) -> Float[Array, " I"]:
    r"""Hessian of the binary cross entropy, times a direction.

    $$H v = \frac{1}{N} \sum_n \hat{y}^n (1 - \hat{y}^n) (v^T x^n) x^n,
    \quad \hat{y}^n = \sigma(w^T x^n)$$

    Args:
        weights: $w$, one per input.
        inputs: $x^n$, one row per example.
        direction: $v$, shaped like `weights`.

    Returns:
        The product, shaped like `weights`.

    Example:
        >>> logistic_hessian_product(jnp.zeros(1), jnp.array([[2.0]]), jnp.ones(1)).tolist()
        [1.0]
    """
    logits = inputs @ weights
    slopes = jax.nn.sigmoid(logits) * jax.nn.sigmoid(-logits)
    return slopes * (inputs @ direction) @ inputs / len(inputs)


def softmax_hessian_product(
    weights: Float[Array, "K I"], inputs: Float[Array, "N I"], direction: Float[Array, "K I"]
) -> Float[Array, "K I"]:
    r"""Hessian of the categorical cross entropy, times a direction.

    $$(H v)_{ki} = \frac{1}{N} \sum_n \hat{y}_k^n \Big(\dot{z}_k^n
    - \sum_{k'} \hat{y}_{k'}^n \dot{z}_{k'}^n\Big) x_i^n, \quad \dot{z}^n = v x^n$$

    Args:
        weights: $w_{ki}$, one row per class.
        inputs: $x^n$, one row per example.
        direction: $v_{ki}$, shaped like `weights`.

    Returns:
        The product, shaped like `weights`.

    Example:
        >>> direction = jnp.array([[1.0], [-1.0]])
        >>> softmax_hessian_product(jnp.zeros((2, 1)), jnp.array([[2.0]]), direction).tolist()
        [[2.0], [-2.0]]
    """
    predictions = jax.nn.softmax(inputs @ weights.T)
    logits_dot = inputs @ direction.T
    mean_dot = jnp.sum(predictions * logits_dot, axis=1, keepdims=True)
    return (predictions * (logits_dot - mean_dot)).T @ inputs / len(inputs)


def regularized_softmax_hessian_product(
    weights: Float[Array, "K I"],
    inputs: Float[Array, "N I"],
    direction: Float[Array, "K I"],
    l2: Float[Array, ""] | float,
) -> Float[Array, "K I"]:
    r"""Hessian of the categorical cross entropy with the L2 penalty, times a direction.

    $$\frac{\partial^2 J}{\partial w^2} v = H v + 2 \lambda v$$

    Args:
        weights: $w_{ki}$, one row per class; the biases are penalised too.
        inputs: $x^n$, one row per example.
        direction: $v_{ki}$, shaped like `weights`.
        l2: The factor $\lambda \ge 0$ of the penalty.

    Returns:
        The product, shaped like `weights`.

    Example:
        >>> weights, inputs = jnp.ones((2, 1)), jnp.array([[0.0]])
        >>> regularized_softmax_hessian_product(weights, inputs, weights, 0.5).tolist()
        [[1.0], [1.0]]
    """
    return softmax_hessian_product(weights, inputs, direction) + 2 * l2 * direction
