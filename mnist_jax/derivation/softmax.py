"""Task 1b: the loss, the chain rule, and the derivative of the logarithm, equations 1 to 4."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax import losses
from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.problem import Problem

softmax = jax.nn.softmax


def loss(logits: Float[Array, " K"], targets: Float[Array, " K"]) -> Float[Array, ""]:
    """Return the loss C of one example, computed from its logits as in training."""
    return losses.softmax_cross_entropy(logits[:, None], targets[:, None])


def loss_by_logits(problem: Problem) -> Float[Array, " K"]:
    r"""Return the derivative $\partial C / \partial z_i$, by autodiff."""
    return jax.grad(loss)(problem.logits, problem.targets)


def loss_by_weights(problem: Problem) -> Float[Array, "K I"]:
    r"""Return the derivative $\partial C / \partial w_{ij}$, by autodiff."""
    return jax.grad(lambda weights: loss(weights @ problem.inputs, problem.targets))(
        problem.weights
    )


def logits_by_weights(problem: Problem) -> Float[Array, "K I"]:
    r"""Return the derivative $\partial z_i / \partial w_{ij}$ of each logit, by autodiff."""
    jacobian = jax.jacobian(lambda weights: weights @ problem.inputs)(problem.weights)
    return jnp.diagonal(jacobian).T  # from [i, i, j] to [i, j]


def softmax_by_logits(problem: Problem) -> Float[Array, "K K"]:
    r"""Return the derivative $\partial \hat y_k / \partial z_i$, by autodiff."""
    return jax.jacobian(softmax)(problem.logits)


def log_derivative(problem: Problem) -> Float[Array, " K"]:
    """Return the right side of equations 4 and 10."""
    y, y_hat = problem.targets, softmax(problem.logits)
    return -jnp.sum((y / y_hat)[:, None] * softmax_by_logits(problem), axis=0)


def gradient(problem: Problem) -> Float[Array, "K I"]:
    """Return the right side of equation 23."""
    return -jnp.outer(problem.targets - softmax(problem.logits), problem.inputs)


LOSS = (
    Equation(
        "1b (statement)",
        "1b",
        "the gradient that the task states, with different indices for input and weight",
        Line(
            r"\frac{\partial C}{\partial w_{ki}} = -x_j (y_k - \hat y_k)",
            lambda p: loss_by_weights(p)[:, :, None],  # j occurs only on the right: for every j
            lambda p: gradient(p)[:, None, :],
        ),
        Line(
            r"\frac{\partial C}{\partial w_{ki}} = -x_i (y_k - \hat y_k)",
            loss_by_weights,
            gradient,
        ),
    ),
    Equation(
        "1",
        "1b",
        "the loss of one example is the categorical cross entropy",
        Line(
            r"C = -\sum_{k=1}^{K} y_k \ln \hat y_k",
            lambda p: loss(p.logits, p.targets),
            lambda p: -jnp.sum(p.targets * jnp.log(softmax(p.logits))),
        ),
    ),
    Equation(
        "2",
        "1b",
        "the weights of a class affect the loss only through its logit",
        Line(
            r"\frac{\partial C}{\partial w_{ij}}"
            r" = \frac{\partial C}{\partial z_i} \frac{\partial z_i}{\partial w_{ij}}",
            loss_by_weights,
            lambda p: loss_by_logits(p)[:, None] * logits_by_weights(p),
        ),
    ),
    Equation(
        "3",
        "1b",
        "the sum is differentiated term by term",
        Line(
            r"\frac{\partial C}{\partial z_i}"
            r" = -\sum_{k=1}^{K} y_k \frac{\partial \ln \hat y_k}{\partial z_i}",
            loss_by_logits,
            lambda p: -p.targets @ jax.jacobian(lambda z: jnp.log(softmax(z)))(p.logits),
        ),
    ),
    Equation(
        "4",
        "1b",
        "the logarithm is differentiated",
        Line(
            r"\frac{\partial C}{\partial z_i}"
            r" = -\sum_{k=1}^{K} \frac{y_k}{\hat y_k} \frac{\partial \hat y_k}{\partial z_i}",
            loss_by_logits,
            log_derivative,
        ),
    ),
)
