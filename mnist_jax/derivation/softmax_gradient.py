r"""Task 1b: from the derivative of the softmax to the gradient, equations 10 to 23."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.problem import Problem
from mnist_jax.derivation.softmax import (
    gradient,
    log_derivative,
    logits_by_weights,
    loss_by_logits,
    loss_by_weights,
    softmax,
)

Vector = Float[Array, " K"]


def over_all(terms: Float[Array, "K K"]) -> Vector:
    """Sum terms [k, i] over k."""
    return jnp.sum(terms, axis=0)


def over_others(terms: Float[Array, "K K"]) -> Vector:
    """Sum terms [k, i] over k except k = i."""
    return jnp.sum(jnp.where(jnp.eye(len(terms), dtype=bool), 0, terms), axis=0)


def summands(y: Vector, y_hat: Vector) -> Float[Array, "K K"]:
    r"""Return the terms of the sum in equation 11, $y_k / \hat y_k (-\hat y_i \hat y_k)$."""
    return (y / y_hat)[:, None] * -jnp.outer(y_hat, y_hat)


def _line(latex: str, right: Callable[[Vector, Vector], Vector]) -> Line:
    r"""Make a line for $\partial C / \partial z_i$ with a function of y and $\hat y$."""
    return Line(
        r"\frac{\partial C}{\partial z_i} = " + latex,
        loss_by_logits,
        lambda problem: right(problem.targets, softmax(problem.logits)),
    )


def labels_summing_to_two(problem: Problem) -> Problem:
    """Double the labels of a problem; the softmax still sums to one."""
    return problem._replace(targets=2 * problem.targets)


SUM = (
    Equation(
        "10",
        "1b",
        "equation 4 is repeated, before the derivative of the softmax is inserted",
        Line(
            r"\frac{\partial C}{\partial z_i}"
            r" = -\sum_{k=1}^{K} \frac{y_k}{\hat y_k} \frac{\partial \hat y_k}{\partial z_i}",
            loss_by_logits,
            log_derivative,
        ),
    ),
    Equation(
        "11",
        "1b",
        "the term k = i is written separately, but remains in the sum, and its sign is wrong",
        _line(
            r"-\sum_{k=1}^{K} \frac{y_k}{\hat y_k} (-\hat y_i \hat y_k)"
            r" + \frac{y_i}{\hat y_i} \hat y_i (1 - \hat y_i)",
            lambda y, y_hat: -over_all(summands(y, y_hat)) + y / y_hat * y_hat * (1 - y_hat),
        ),
        _line(
            r"-\sum_{k \neq i} \frac{y_k}{\hat y_k} (-\hat y_i \hat y_k)"
            r" - \frac{y_i}{\hat y_i} \hat y_i (1 - \hat y_i)",
            lambda y, y_hat: -over_others(summands(y, y_hat)) - y / y_hat * y_hat * (1 - y_hat),
        ),
    ),
    Equation(
        "12",
        "1b",
        "the predictions cancel, and the sum no longer has k = i; the sign is still wrong",
        _line(
            r"-\sum_{k \neq i} (-y_k \hat y_i) + y_i (1 - \hat y_i)",
            lambda y, y_hat: -over_others(-jnp.outer(y, y_hat)) + y * (1 - y_hat),
        ),
        _line(
            r"-\sum_{k \neq i} (-y_k \hat y_i) - y_i (1 - \hat y_i)",
            lambda y, y_hat: -over_others(-jnp.outer(y, y_hat)) - y * (1 - y_hat),
        ),
    ),
    Equation(
        "13",
        "1b",
        "two minus signs in the sum cancel; the sign of the other term is right again",
        _line(
            r"\sum_{k \neq i} y_k \hat y_i - y_i (1 - \hat y_i)",
            lambda y, y_hat: over_others(jnp.outer(y, y_hat)) - y * (1 - y_hat),
        ),
    ),
    Equation(
        "14",
        "1b",
        "the bracket is multiplied out",
        _line(
            r"\sum_{k \neq i} y_k \hat y_i - y_i + y_i \hat y_i",
            lambda y, y_hat: over_others(jnp.outer(y, y_hat)) - y + y * y_hat,
        ),
    ),
    Equation(
        "15",
        "1b",
        "the expanded term completes the sum",
        _line(
            r"\sum_{k=1}^{K} y_k \hat y_i - y_i",
            lambda y, y_hat: over_all(jnp.outer(y, y_hat)) - y,
        ),
    ),
    Equation(
        "16",
        "1b",
        "the prediction does not depend on k and comes out of the sum",
        _line(
            r"\hat y_i \sum_{k=1}^{K} y_k - y_i",
            lambda y, y_hat: y_hat * jnp.sum(y) - y,
        ),
    ),
    Equation("17", "1b", "the number of an empty line", None),
    Equation(
        "18 (reason)",
        "1b",
        "the reason given is that a softmax sums to one; tested with labels that sum to two",
        Line(
            r"\hat y_i \sum_{k=1}^{K} y_k - y_i = \hat y_i \sum_{k=1}^{K} \hat y_k - y_i",
            lambda p: loss_by_logits(labels_summing_to_two(p)),
            lambda p: softmax(p.logits) * jnp.sum(softmax(p.logits)) - 2 * p.targets,
        ),
        Line(
            r"\sum_{k=1}^{K} y_k = 1 \quad \text{because the label is one-hot}",
            lambda p: jnp.sum(p.targets),
            lambda p: jnp.ones_like(p.l2),
        ),
    ),
    Equation(
        "18",
        "1b",
        "equation 16 is repeated",
        _line(
            r"\hat y_i \sum_{k=1}^{K} y_k - y_i",
            lambda y, y_hat: y_hat * jnp.sum(y) - y,
        ),
    ),
    Equation(
        "19",
        "1b",
        "the labels sum to one",
        _line(r"\hat y_i - y_i", lambda y, y_hat: y_hat - y),
    ),
    Equation("20", "1b", "the number of an empty line", None),
)

WEIGHTS = (
    Equation(
        "21",
        "1b",
        "a logit is linear in its weights",
        Line(
            r"\frac{\partial z_i}{\partial w_{ij}} = x_j",
            logits_by_weights,
            lambda p: jnp.tile(p.inputs, (len(p.weights), 1)),
        ),
    ),
    Equation(
        "22",
        "1b",
        "both derivatives are inserted into the chain rule",
        Line(
            r"\frac{\partial C}{\partial w_{ij}}"
            r" = \frac{\partial C}{\partial z_i} \frac{\partial z_i}{\partial w_{ij}}"
            r" = (\hat y_i - y_i) x_j",
            loss_by_weights,
            lambda p: (
                loss_by_logits(p)[:, None] * logits_by_weights(p),
                jnp.outer(softmax(p.logits) - p.targets, p.inputs),
            ),
        ),
    ),
    Equation(
        "23",
        "1b",
        "the sign is moved to the front, which gives the stated gradient",
        Line(
            r"\frac{\partial C}{\partial w_{ij}} = -x_j (y_i - \hat y_i)",
            loss_by_weights,
            gradient,
        ),
    ),
)
