"""Task 1b: the gradient of softmax regression, equations 1 to 4 and 10 to 23."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax import losses
from mnist_jax.derivation.equation import Equation, Line, Quantity
from mnist_jax.derivation.problem import Problem

softmax = jax.nn.softmax
Vector = Float[Array, " K"]
Matrix = Float[Array, "K I"]


def loss(logits: Vector, targets: Vector) -> Float[Array, ""]:
    """Return the loss C of one example, computed from its logits as in training."""
    return losses.softmax_cross_entropy(logits[:, None], targets[:, None])


def labels(problem: Problem) -> tuple[Vector, Vector]:
    r"""Return y and $\hat y$."""
    return problem.targets, softmax(problem.logits)


def loss_by_logits(problem: Problem) -> Vector:
    r"""Return the derivative $\partial C / \partial z_i$, by autodiff."""
    return jax.grad(loss)(problem.logits, problem.targets)


def loss_by_weights(p: Problem) -> Matrix:
    r"""Return the derivative $\partial C / \partial w_{ij}$, by autodiff."""
    return jax.grad(lambda weights: loss(weights @ p.inputs, p.targets))(p.weights)


def logits_by_weights(problem: Problem) -> Matrix:
    r"""Return the derivative $\partial z_i / \partial w_{ij}$ of each logit, by autodiff."""
    jacobian = jax.jacobian(lambda weights: weights @ problem.inputs)(problem.weights)
    return jnp.diagonal(jacobian).T  # from [i, i, j] to [i, j]


def softmax_by_logits(problem: Problem) -> Float[Array, "K K"]:
    r"""Return the derivative $\partial \hat y_k / \partial z_i$, by autodiff."""
    return jax.jacobian(softmax)(problem.logits)


def log_derivative(problem: Problem) -> Vector:
    """Return the right side of equations 4 and 10."""
    y, y_hat = labels(problem)
    return -jnp.sum((y / y_hat)[:, None] * softmax_by_logits(problem), axis=0)


def gradient(problem: Problem) -> Matrix:
    """Return the right side of equation 23."""
    return -jnp.outer(problem.targets - softmax(problem.logits), problem.inputs)


def over_all(terms: Float[Array, "K K"]) -> Vector:
    """Sum terms [k, i] over k."""
    return jnp.sum(terms, axis=0)


def over_others(terms: Float[Array, "K K"]) -> Vector:
    """Sum terms [k, i] over k except k = i."""
    return jnp.sum(jnp.where(jnp.eye(len(terms), dtype=bool), 0, terms), axis=0)


def summands(y: Vector, y_hat: Vector) -> Float[Array, "K K"]:
    r"""Return the terms of the sum in equation 11, $y_k / \hat y_k (-\hat y_i \hat y_k)$."""
    return (y / y_hat)[:, None] * -jnp.outer(y_hat, y_hat)


LOSS = Quantity("1b", "C", lambda p: loss(p.logits, p.targets), labels)
BY_WEIGHTS = Quantity("1b", r"\frac{\partial C}{\partial w_{ij}}", loss_by_weights)
BY_LOGITS = Quantity("1b", r"\frac{\partial C}{\partial z_i}", loss_by_logits)
ERROR = BY_LOGITS._replace(symbols=labels)

EQUATIONS_1_TO_4 = (
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
    LOSS.equals(
        "1",
        "the loss of one example is the categorical cross entropy",
        r"-\sum_{k=1}^{K} y_k \ln \hat y_k",
        lambda y, y_hat: -jnp.sum(y * jnp.log(y_hat)),
    ),
    BY_WEIGHTS.equals(
        "2",
        "the weights of a class affect the loss only through its logit",
        r"\frac{\partial C}{\partial z_i} \frac{\partial z_i}{\partial w_{ij}}",
        lambda p: loss_by_logits(p)[:, None] * logits_by_weights(p),
    ),
    BY_LOGITS.equals(
        "3",
        "the sum is differentiated term by term",
        r"-\sum_{k=1}^{K} y_k \frac{\partial \ln \hat y_k}{\partial z_i}",
        lambda p: -p.targets @ jax.jacobian(lambda z: jnp.log(softmax(z)))(p.logits),
    ),
    BY_LOGITS.equals(
        "4",
        "the logarithm is differentiated",
        r"-\sum_{k=1}^{K} \frac{y_k}{\hat y_k} \frac{\partial \hat y_k}{\partial z_i}",
        log_derivative,
    ),
)
EQUATIONS_10_TO_23 = (
    BY_LOGITS.equals(
        "10",
        "equation 4 is repeated, before the derivative of the softmax is inserted",
        r"-\sum_{k=1}^{K} \frac{y_k}{\hat y_k} \frac{\partial \hat y_k}{\partial z_i}",
        log_derivative,
    ),
    ERROR.equals(
        "11",
        "the term k = i is written separately, but remains in the sum, and its sign is wrong",
        r"-\sum_{k=1}^{K} \frac{y_k}{\hat y_k} (-\hat y_i \hat y_k)"
        r" + \frac{y_i}{\hat y_i} \hat y_i (1 - \hat y_i)",
        lambda y, y_hat: -over_all(summands(y, y_hat)) + y / y_hat * y_hat * (1 - y_hat),
        corrected=(
            r"-\sum_{k \neq i} \frac{y_k}{\hat y_k} (-\hat y_i \hat y_k)"
            r" - \frac{y_i}{\hat y_i} \hat y_i (1 - \hat y_i)",
            lambda y, y_hat: -over_others(summands(y, y_hat)) - y / y_hat * y_hat * (1 - y_hat),
        ),
    ),
    ERROR.equals(
        "12",
        "the predictions cancel, and the sum no longer has k = i; the sign is still wrong",
        r"-\sum_{k \neq i} (-y_k \hat y_i) + y_i (1 - \hat y_i)",
        lambda y, y_hat: -over_others(-jnp.outer(y, y_hat)) + y * (1 - y_hat),
        corrected=(
            r"-\sum_{k \neq i} (-y_k \hat y_i) - y_i (1 - \hat y_i)",
            lambda y, y_hat: -over_others(-jnp.outer(y, y_hat)) - y * (1 - y_hat),
        ),
    ),
    ERROR.equals(
        "13",
        "two minus signs in the sum cancel; the sign of the other term is right again",
        r"\sum_{k \neq i} y_k \hat y_i - y_i (1 - \hat y_i)",
        lambda y, y_hat: over_others(jnp.outer(y, y_hat)) - y * (1 - y_hat),
    ),
    ERROR.equals(
        "14",
        "the bracket is multiplied out",
        r"\sum_{k \neq i} y_k \hat y_i - y_i + y_i \hat y_i",
        lambda y, y_hat: over_others(jnp.outer(y, y_hat)) - y + y * y_hat,
    ),
    ERROR.equals(
        "15",
        "the expanded term completes the sum",
        r"\sum_{k=1}^{K} y_k \hat y_i - y_i",
        lambda y, y_hat: over_all(jnp.outer(y, y_hat)) - y,
    ),
    ERROR.equals(
        "16",
        "the prediction does not depend on k and comes out of the sum",
        r"\hat y_i \sum_{k=1}^{K} y_k - y_i",
        lambda y, y_hat: y_hat * jnp.sum(y) - y,
    ),
    Equation("17", "1b", "the number of an empty line", None),
    Equation(
        "18 (reason)",
        "1b",
        "the reason given is that a softmax sums to one; tested with labels that sum to two",
        Line(
            r"\hat y_i \sum_{k=1}^{K} y_k - y_i = \hat y_i \sum_{k=1}^{K} \hat y_k - y_i",
            lambda p: loss_by_logits(p._replace(targets=2 * p.targets)),
            lambda p: softmax(p.logits) * jnp.sum(softmax(p.logits)) - 2 * p.targets,
        ),
        Line(
            r"\sum_{k=1}^{K} y_k = 1 \quad \text{because the label is one-hot}",
            lambda p: jnp.sum(p.targets),
            lambda p: jnp.ones_like(p.l2),
        ),
    ),
    ERROR.equals(
        "18",
        "equation 16 is repeated",
        r"\hat y_i \sum_{k=1}^{K} y_k - y_i",
        lambda y, y_hat: y_hat * jnp.sum(y) - y,
    ),
    ERROR.equals("19", "the labels sum to one", r"\hat y_i - y_i", lambda y, y_hat: y_hat - y),
    Equation("20", "1b", "the number of an empty line", None),
    Quantity("1b", r"\frac{\partial z_i}{\partial w_{ij}}", logits_by_weights).equals(
        "21",
        "a logit is linear in its weights",
        "x_j",
        lambda p: jnp.tile(p.inputs, (len(p.weights), 1)),
    ),
    BY_WEIGHTS.equals(
        "22",
        "both derivatives are inserted into the chain rule",
        r"\frac{\partial C}{\partial z_i} \frac{\partial z_i}{\partial w_{ij}}"
        r" = (\hat y_i - y_i) x_j",
        lambda p: (
            loss_by_logits(p)[:, None] * logits_by_weights(p),
            jnp.outer(softmax(p.logits) - p.targets, p.inputs),
        ),
    ),
    BY_WEIGHTS.equals(
        "23",
        "the sign is moved to the front, which gives the stated gradient",
        r"-x_j (y_i - \hat y_i)",
        gradient,
    ),
)
