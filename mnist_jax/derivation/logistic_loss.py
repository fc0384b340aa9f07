r"""Task 1a: the derivative of the loss with respect to the prediction, 1a.8 to 1a.22."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.logistic import Scalar, loss, loss_by_prediction, prediction
from mnist_jax.derivation.problem import Problem

Side = Callable[[Scalar, Scalar], Scalar]
"""A side of a line, a function of y and ŷ."""


def log_rest_slope(y_hat: Scalar) -> Scalar:
    r"""Return the derivative $\partial \ln(1 - \hat y) / \partial \hat y$, by autodiff."""
    return jax.grad(lambda y_hat: jnp.log(1 - y_hat))(y_hat)


def rest_slope(y_hat: Scalar) -> Scalar:
    r"""Return the derivative $\partial (1 - \hat y) / \partial \hat y$, by autodiff."""
    return jax.grad(lambda y_hat: 1 - y_hat)(y_hat)


def _of_predictions(side: Side) -> Callable[[Problem], Scalar]:
    return lambda problem: side(problem.targets, prediction(problem))


def _value(number: int, says: str, latex: str, side: Side) -> Equation:
    line = Line(f"C = {latex}", loss, _of_predictions(side))
    return Equation(f"1a.{number}", "1a", says, line)


def _derivative(number: int, says: str, latex: str, side: Side) -> Equation:
    head = r"\frac{\partial C}{\partial \hat y}"
    line = Line(f"{head} = {latex}", loss_by_prediction, _of_predictions(side))
    return Equation(f"1a.{number}", "1a", says, line)


STEPS = (
    _value(
        8,
        "the loss is repeated",
        r"-(y \ln \hat y + (1 - y) \ln(1 - \hat y))",
        lambda y, y_hat: -(y * jnp.log(y_hat) + (1 - y) * jnp.log(1 - y_hat)),
    ),
    _value(
        9,
        "the second product is multiplied out",
        r"-(y \ln \hat y + (\ln(1 - \hat y) - y \ln(1 - \hat y)))",
        lambda y, y_hat: -(y * jnp.log(y_hat) + (jnp.log(1 - y_hat) - y * jnp.log(1 - y_hat))),
    ),
    _value(
        10,
        "the inner brackets are removed",
        r"-(y \ln \hat y + \ln(1 - \hat y) - y \ln(1 - \hat y))",
        lambda y, y_hat: -(y * jnp.log(y_hat) + jnp.log(1 - y_hat) - y * jnp.log(1 - y_hat)),
    ),
    _value(
        11,
        "the minus sign is distributed over the terms",
        r"-y \ln \hat y - \ln(1 - \hat y) + y \ln(1 - \hat y)",
        lambda y, y_hat: -y * jnp.log(y_hat) - jnp.log(1 - y_hat) + y * jnp.log(1 - y_hat),
    ),
    _derivative(
        12,
        "a sum is differentiated term by term",
        r"\frac{\partial}{\partial \hat y} (-y \ln \hat y)"
        r" + \frac{\partial}{\partial \hat y} (-\ln(1 - \hat y))"
        r" + \frac{\partial}{\partial \hat y} (y \ln(1 - \hat y))",
        lambda y, y_hat: (
            jax.grad(lambda y_hat: -y * jnp.log(y_hat))(y_hat)
            + jax.grad(lambda y_hat: -jnp.log(1 - y_hat))(y_hat)
            + jax.grad(lambda y_hat: y * jnp.log(1 - y_hat))(y_hat)
        ),
    ),
    _derivative(
        13,
        "factors that do not depend on the prediction are moved out",
        r"-y \frac{\partial}{\partial \hat y} \ln \hat y"
        r" - 1 \frac{\partial}{\partial \hat y} \ln(1 - \hat y)"
        r" + y \frac{\partial}{\partial \hat y} \ln(1 - \hat y)",
        lambda y, y_hat: (
            -y * jax.grad(jnp.log)(y_hat) - 1 * log_rest_slope(y_hat) + y * log_rest_slope(y_hat)
        ),
    ),
    _derivative(
        14,
        "the logarithms are differentiated, with the chain rule for 1 - ŷ",
        r"-y \frac{1}{\hat y}"
        r" - 1 \frac{1}{1 - \hat y} \frac{\partial}{\partial \hat y} (1 - \hat y)"
        r" + y \frac{1}{1 - \hat y} \frac{\partial}{\partial \hat y} (1 - \hat y)",
        lambda y, y_hat: (
            -y * (1 / y_hat)
            - 1 * (1 / (1 - y_hat)) * rest_slope(y_hat)
            + y * (1 / (1 - y_hat)) * rest_slope(y_hat)
        ),
    ),
    _derivative(
        15,
        "the slope of 1 - ŷ is -1",
        r"-y \frac{1}{\hat y} - 1 \frac{1}{1 - \hat y} (-1) + y \frac{1}{1 - \hat y} (-1)",
        lambda y, y_hat: -y * (1 / y_hat) - 1 / (1 - y_hat) * (-1) + y * (1 / (1 - y_hat)) * (-1),
    ),
    _derivative(
        16,
        "the signs are multiplied",
        r"-\frac{y}{\hat y} + \frac{1}{1 - \hat y} - \frac{y}{1 - \hat y}",
        lambda y, y_hat: -y / y_hat + 1 / (1 - y_hat) - y / (1 - y_hat),
    ),
    _derivative(
        17,
        "the derivative is repeated",
        r"-\frac{y}{\hat y} + \frac{1}{1 - \hat y} - \frac{y}{1 - \hat y}",
        lambda y, y_hat: -y / y_hat + 1 / (1 - y_hat) - y / (1 - y_hat),
    ),
    _derivative(
        18,
        "the fractions get a common denominator",
        r"-\frac{y (1 - \hat y)}{\hat y (1 - \hat y)}"
        r" + \frac{\hat y}{\hat y (1 - \hat y)} - \frac{y \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (
            -(y * (1 - y_hat)) / (y_hat * (1 - y_hat))
            + y_hat / (y_hat * (1 - y_hat))
            - y * y_hat / (y_hat * (1 - y_hat))
        ),
    ),
    _derivative(
        19,
        "the fractions are combined",
        r"\frac{\hat y - y (1 - \hat y) - y \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (y_hat - y * (1 - y_hat) - y * y_hat) / (y_hat * (1 - y_hat)),
    ),
    _derivative(
        20,
        "the numerator is multiplied out",
        r"\frac{\hat y - y + y \hat y - y \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (y_hat - y + y * y_hat - y * y_hat) / (y_hat * (1 - y_hat)),
    ),
    _derivative(
        21,
        "the products cancel",
        r"\frac{\hat y - y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (y_hat - y) / (y_hat * (1 - y_hat)),
    ),
    _derivative(
        22,
        "the sign is moved to the front",
        r"-\frac{y - \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: -(y - y_hat) / (y_hat * (1 - y_hat)),
    ),
)
