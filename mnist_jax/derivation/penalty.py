r"""Task 4a, equations 24 to 27: the gradient of the objective with the L2 penalty.

The report writes these lines for a vector of weights. Here they are evaluated for softmax
regression: $x (y - \hat y)$ is an outer product, class-major, and $w^T w$ treats all weights as one
long vector.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax import losses
from mnist_jax.derivation.equation import Quantity
from mnist_jax.derivation.problem import Problem
from mnist_jax.models import objective, softmax

Matrix = Float[Array, "K I"]


def loss_by_weights(problem: Problem) -> Matrix:
    r"""Return the derivative $\partial C / \partial w$, by autodiff."""
    return jax.grad(softmax.loss)(*problem[:3])


def mean_of_derivatives(problem: Problem) -> Matrix:
    r"""Return the mean of the derivatives $\partial C^n / \partial w$, by autodiff."""
    weights, inputs, targets, _ = problem
    by_weights = jax.vmap(jax.grad(softmax.loss), in_axes=(None, 0, 0))
    return jnp.mean(by_weights(weights, inputs[:, None], targets[:, None]), axis=0)


def mean_of_gradients(problem: Problem) -> Matrix:
    r"""Return the mean of the gradients of 1b, $\frac{1}{N} \sum_n -x^n (y^n - \hat y^n)$."""
    errors = problem.targets - jax.nn.softmax(problem.logits)
    return jnp.mean(-jax.vmap(jnp.outer)(errors, problem.inputs), axis=0)


def plus_penalty(
    cost: Callable[[Problem], Matrix], norm: Callable[[Matrix], Float[Array, ""]]
) -> Callable[[Problem], Matrix]:
    r"""Add $\lambda$ times the derivative of a squared norm, by autodiff, to a derivative."""
    return lambda problem: cost(problem) + problem.l2 * jax.grad(norm)(problem.weights)


OBJECTIVE_BY_WEIGHTS = Quantity(
    "4a",
    r"\frac{\partial J}{\partial w}",
    lambda p: jax.grad(objective, argnums=1)(softmax, *p),
)

EQUATIONS = (
    OBJECTIVE_BY_WEIGHTS.equals(
        "24",
        "the objective is differentiated term by term",
        r"\frac{\partial C}{\partial w} + \lambda \frac{\partial R}{\partial w}",
        plus_penalty(loss_by_weights, losses.l2_penalty),
    ),
    OBJECTIVE_BY_WEIGHTS.equals(
        "25",
        "the cost is a mean over examples, the penalty a squared norm",
        r"\frac{1}{N} \sum_{n=1}^{N} \frac{\partial C^n}{\partial w}"
        r" + \lambda \frac{\partial \lVert w \rVert^2}{\partial w}",
        plus_penalty(mean_of_derivatives, lambda w: jnp.linalg.norm(w) ** 2),
    ),
    OBJECTIVE_BY_WEIGHTS.equals(
        "26",
        "the gradient of 1b is inserted; the squared norm is written as a product of vectors",
        r"\frac{1}{N} \sum_{n=1}^{N} -x^n (y^n - \hat y^n)"
        r" + \lambda \frac{\partial w^T w}{\partial w}",
        plus_penalty(mean_of_gradients, lambda w: w.ravel() @ w.ravel()),
    ),
    OBJECTIVE_BY_WEIGHTS.equals(
        "27",
        "the square is differentiated",
        r"\frac{1}{N} \sum_{n=1}^{N} -x^n (y^n - \hat y^n) + 2 \lambda w",
        lambda p: mean_of_gradients(p) + 2 * p.l2 * p.weights,
    ),
)
