r"""The losses of the report, computed from logits.

The report writes them with $\hat{y}$ and its logarithm, which gives $0 \cdot \infty$ for a
saturated prediction. With the log-sigmoid and the log-softmax, the losses and their derivatives are
finite for all finite logits.
"""

import operator

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree


def logistic_cross_entropy(
    logits: Float[Array, " N"], targets: Float[Array, " N"]
) -> Float[Array, ""]:
    r"""Binary cross entropy (equation 3 of task 1a), averaged over the examples.

    $$C = -\frac{1}{N} \sum_n y^n \ln \hat{y}^n + (1 - y^n) \ln(1 - \hat{y}^n),
    \quad \hat{y}^n = \sigma(z^n)$$

    Args:
        logits: $z^n = w^T x^n$.
        targets: $y^n$ in [0, 1].

    Returns:
        The mean loss in nats, a scalar.

    Example:
        >>> print(f"{logistic_cross_entropy(jnp.zeros(2), jnp.array([0.0, 1.0])):.4f}")
        0.6931
    """
    log_likelihoods = targets * jax.nn.log_sigmoid(logits) + (1 - targets) * jax.nn.log_sigmoid(
        -logits
    )
    return -jnp.sum(log_likelihoods) / len(logits)


def softmax_cross_entropy(
    logits: Float[Array, "K N"], targets: Float[Array, "K N"]
) -> Float[Array, ""]:
    r"""Categorical cross entropy (equation 1), averaged over the examples.

    $$C = -\frac{1}{N} \sum_n \sum_k y_k^n \ln \hat{y}_k^n,
    \quad \hat{y}_k^n = \frac{e^{z_k^n}}{\sum_{k'} e^{z_{k'}^n}}$$

    Args:
        logits: $z_k^n = w_k^T x^n$, (K, N): one row for each class, as in the weights.
        targets: $y_k^n$, of the same shape; the sum over the classes is one.

    Returns:
        The mean loss in nats, a scalar.

    Example:
        >>> print(f"{softmax_cross_entropy(jnp.zeros((10, 1)), jnp.eye(10)[:, :1]):.4f}")
        2.3026
    """
    log_likelihoods = targets * jax.nn.log_softmax(logits, axis=0)
    return -jnp.sum(log_likelihoods) / logits.shape[1]


def l2_penalty(weights: PyTree[Float[Array, "..."]]) -> Float[Array, ""]:
    r"""The penalty $R(w) = \|w\|^2 = \sum_{k,i} w_{ki}^2$ of task 4; including the biases.

    Args:
        weights: Weights of any shape, or a pytree of them.

    Returns:
        The squared norm, a scalar.

    Example:
        >>> l2_penalty(jnp.array([3.0, 4.0])).item()
        25.0
    """
    return jax.tree.reduce(operator.add, jax.tree.map(lambda leaf: jnp.sum(leaf**2), weights))
