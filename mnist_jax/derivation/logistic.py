r"""Task 1a: the chain rule through the prediction to the weights.

The report does not number the lines of 1a; 1a.1 to 1a.25 are its equalities in order.
`logistic_loss` has the lines 1a.8 to 1a.22, the derivative with respect to $\hat y$.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax import losses
from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.problem import Problem

Scalar = Float[Array, ""]


def prediction(problem: Problem) -> Scalar:
    r"""Return the prediction $\hat y$."""
    return jax.nn.sigmoid(problem.logits)


def loss(problem: Problem) -> Scalar:
    """Return the loss C of one example, computed from its logit as in training."""
    return losses.logistic_cross_entropy(problem.logits[None], problem.targets[None])


def cross_entropy(y_hat: Scalar, y: Scalar) -> Scalar:
    r"""Return the loss as the report defines it, a function of $\hat y$ and y."""
    return -(y * jnp.log(y_hat) + (1 - y) * jnp.log(1 - y_hat))


def loss_by_prediction(problem: Problem) -> Scalar:
    r"""Return the derivative $\partial C / \partial \hat y$, by autodiff."""
    return jax.grad(cross_entropy)(prediction(problem), problem.targets)


def loss_by_target(problem: Problem) -> Scalar:
    r"""Return the derivative $\partial C / \partial y$, by autodiff."""
    return jax.grad(cross_entropy, argnums=1)(prediction(problem), problem.targets)


def loss_by_weights(problem: Problem) -> Float[Array, " I"]:
    r"""Return the derivative $\partial C / \partial w_i$, by autodiff."""
    return _by_weights(loss, problem)


def prediction_by_weights(problem: Problem) -> Float[Array, " I"]:
    r"""Return the derivative $\partial \hat y / \partial w_i$, by autodiff."""
    return _by_weights(prediction, problem)


def _by_weights(function: Callable[[Problem], Scalar], problem: Problem) -> Float[Array, " I"]:
    return jax.grad(lambda weights: function(problem._replace(weights=weights)))(problem.weights)


def slope(problem: Problem) -> Float[Array, " I"]:
    r"""Return the derivative $\partial \hat y / \partial w_i$ by the hint of 1a."""
    y_hat = prediction(problem)
    return problem.inputs * y_hat * (1 - y_hat)


def one_fraction(problem: Problem) -> Scalar:
    r"""Return the derivative $\partial C / \partial \hat y$ by the result of 1a."""
    y, y_hat = problem.targets, prediction(problem)
    return -(y - y_hat) / (y_hat * (1 - y_hat))


def gradient(problem: Problem) -> Float[Array, " I"]:
    r"""Return the gradient by the result of 1a."""
    return -(problem.targets - prediction(problem)) * problem.inputs


def _gradient_line(latex: str, right: Callable[[Problem], Any]) -> Line:
    return Line(rf"\frac{{\partial C}}{{\partial w_i}} = {latex}", loss_by_weights, right)


def _times_slope(factor: Callable[[Problem], Scalar]) -> Callable[[Problem], Float[Array, " I"]]:
    return lambda problem: factor(problem) * slope(problem)


SETTING = (
    Equation(
        "1a.1",
        "1a",
        "the gradient that the task states",
        _gradient_line(r"-(y - \hat y) x_i", gradient),
    ),
    Equation(
        "1a.2",
        "1a",
        "the prediction is the logistic function of the weighted inputs",
        Line(
            r"\hat y = \frac{1}{1 + e^{-w^T x}}, \quad w^T x = \sum_{i=1}^{I} w_i x_i",
            prediction,
            lambda p: 1 / (1 + jnp.exp(-jnp.sum(p.weights * p.inputs))),
        ),
    ),
    Equation(
        "1a.3",
        "1a",
        "the loss of one example is the binary cross entropy",
        Line(
            r"C = -(y \ln \hat y + (1 - y) \ln(1 - \hat y))",
            loss,
            lambda p: cross_entropy(prediction(p), p.targets),
        ),
    ),
    Equation(
        "1a.4",
        "1a",
        "the weights affect the loss only through the prediction",
        _gradient_line(
            r"\frac{\partial C}{\partial \hat y} \frac{\partial \hat y}{\partial w_i}",
            lambda p: loss_by_prediction(p) * prediction_by_weights(p),
        ),
    ),
    Equation(
        "1a.5",
        "1a",
        "the hint: the slope of the logistic function, times the input",
        Line(
            r"\frac{\partial \hat y}{\partial w_i} = x_i \hat y (1 - \hat y)",
            prediction_by_weights,
            slope,
        ),
    ),
    Equation(
        "1a.6",
        "1a",
        "the hint is inserted into the chain rule",
        _gradient_line(
            r"\frac{\partial C}{\partial \hat y} x_i \hat y (1 - \hat y)",
            _times_slope(loss_by_prediction),
        ),
    ),
    Equation(
        "1a.7",
        "1a",
        "the text names a derivative by the label instead of the prediction",
        _gradient_line(
            r"\frac{\partial C}{\partial y} x_i \hat y (1 - \hat y)",
            _times_slope(loss_by_target),
        ),
        _gradient_line(
            r"\frac{\partial C}{\partial \hat y} x_i \hat y (1 - \hat y)",
            _times_slope(loss_by_prediction),
        ),
    ),
)

PRODUCT = (
    Equation(
        "1a.23",
        "1a",
        "both derivatives are inserted into the chain rule",
        _gradient_line(
            r"\frac{\partial C}{\partial \hat y} \frac{\partial \hat y}{\partial w_i} = "
            r"\left(-\frac{y - \hat y}{\hat y (1 - \hat y)}\right) (x_i \hat y (1 - \hat y))",
            lambda p: (
                loss_by_prediction(p) * prediction_by_weights(p),
                one_fraction(p) * slope(p),
            ),
        ),
    ),
    Equation(
        "1a.24",
        "1a",
        "the product is repeated",
        _gradient_line(
            r"\left(-\frac{y - \hat y}{\hat y (1 - \hat y)}\right) (x_i \hat y (1 - \hat y))",
            _times_slope(one_fraction),
        ),
    ),
    Equation(
        "1a.25",
        "1a",
        "the denominator cancels the slope, which gives the stated gradient",
        _gradient_line(r"-(y - \hat y) x_i", gradient),
    ),
)
