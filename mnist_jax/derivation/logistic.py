"""Task 1a: the chain rule. The report numbers none of its lines; 1a.1 to 1a.25 count them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax import losses
from mnist_jax.derivation.equation import Quantity, Side
from mnist_jax.derivation.problem import Problem

Scalar = Float[Array, ""]
Vector = Float[Array, " I"]


def prediction(problem: Problem) -> Scalar:
    r"""Return the prediction $\hat y$."""
    return jax.nn.sigmoid(problem.logits)


def loss(problem: Problem) -> Scalar:
    """Return the loss C of one example, computed from its logit as in training."""
    return losses.logistic_cross_entropy(problem.logits[None], problem.targets[None])


def cross_entropy(y: Scalar, y_hat: Scalar) -> Scalar:
    r"""Return the loss as the report defines it, a function of y and $\hat y$."""
    return -(y * jnp.log(y_hat) + (1 - y) * jnp.log(1 - y_hat))


def labels(problem: Problem) -> tuple[Scalar, Scalar]:
    r"""Return y and $\hat y$."""
    return problem.targets, prediction(problem)


def loss_by_prediction(problem: Problem) -> Scalar:
    r"""Return the derivative $\partial C / \partial \hat y$, by autodiff."""
    return jax.grad(cross_entropy, argnums=1)(*labels(problem))


def by_weights(function: Side) -> Side:
    r"""Return the derivative of a function with respect to $w_i$, by autodiff."""
    return lambda p: jax.grad(lambda weights: function(p._replace(weights=weights)))(p.weights)


prediction_by_weights = by_weights(prediction)


def slope(problem: Problem) -> Vector:
    r"""Return the derivative $\partial \hat y / \partial w_i$ by the hint of 1a."""
    y_hat = prediction(problem)
    return problem.inputs * y_hat * (1 - y_hat)


def fraction(y: Scalar, y_hat: Scalar) -> Scalar:
    r"""Return the derivative $\partial C / \partial \hat y$ by the result of 1a."""
    return -(y - y_hat) / (y_hat * (1 - y_hat))


def gradient(problem: Problem) -> Vector:
    r"""Return the gradient by the result of 1a."""
    return -(problem.targets - prediction(problem)) * problem.inputs


PREDICTION = Quantity("1a", r"\hat y", prediction)
SLOPE = Quantity("1a", r"\frac{\partial \hat y}{\partial w_i}", prediction_by_weights)
LOSS = Quantity("1a", "C", loss, labels)
BY_PREDICTION = Quantity("1a", r"\frac{\partial C}{\partial \hat y}", loss_by_prediction, labels)
BY_WEIGHTS = Quantity("1a", r"\frac{\partial C}{\partial w_i}", by_weights(loss))

EQUATIONS = (
    BY_WEIGHTS.equals("1a.1", "the gradient that the task states", r"-(y - \hat y) x_i", gradient),
    PREDICTION.equals(
        "1a.2",
        "the prediction is the logistic function of the weighted inputs",
        r"\frac{1}{1 + e^{-w^T x}}, \quad w^T x = \sum_{i=1}^{I} w_i x_i",
        lambda p: 1 / (1 + jnp.exp(-jnp.sum(p.weights * p.inputs))),
    ),
    LOSS.equals(
        "1a.3",
        "the loss of one example is the binary cross entropy",
        r"-(y \ln \hat y + (1 - y) \ln(1 - \hat y))",
        cross_entropy,
    ),
    BY_WEIGHTS.equals(
        "1a.4",
        "the weights affect the loss only through the prediction",
        r"\frac{\partial C}{\partial \hat y} \frac{\partial \hat y}{\partial w_i}",
        lambda p: loss_by_prediction(p) * prediction_by_weights(p),
    ),
    SLOPE.equals(
        "1a.5",
        "the hint: the slope of the logistic function, times the input",
        r"x_i \hat y (1 - \hat y)",
        slope,
    ),
    BY_WEIGHTS.equals(
        "1a.6",
        "the hint is inserted into the chain rule",
        r"\frac{\partial C}{\partial \hat y} x_i \hat y (1 - \hat y)",
        lambda p: loss_by_prediction(p) * slope(p),
    ),
    BY_WEIGHTS.equals(
        "1a.7",
        "the text names a derivative by the label instead of the prediction",
        r"\frac{\partial C}{\partial y} x_i \hat y (1 - \hat y)",
        lambda p: jax.grad(cross_entropy)(*labels(p)) * slope(p),
        corrected=(
            r"\frac{\partial C}{\partial \hat y} x_i \hat y (1 - \hat y)",
            lambda p: loss_by_prediction(p) * slope(p),
        ),
    ),
    LOSS.equals(
        "1a.8",
        "the loss is repeated",
        r"-(y \ln \hat y + (1 - y) \ln(1 - \hat y))",
        cross_entropy,
    ),
    LOSS.equals(
        "1a.9",
        "the second product is multiplied out",
        r"-(y \ln \hat y + (\ln(1 - \hat y) - y \ln(1 - \hat y)))",
        lambda y, y_hat: -(y * jnp.log(y_hat) + (jnp.log(1 - y_hat) - y * jnp.log(1 - y_hat))),
    ),
    LOSS.equals(
        "1a.10",
        "the inner brackets are removed",
        r"-(y \ln \hat y + \ln(1 - \hat y) - y \ln(1 - \hat y))",
        lambda y, y_hat: -(y * jnp.log(y_hat) + jnp.log(1 - y_hat) - y * jnp.log(1 - y_hat)),
    ),
    LOSS.equals(
        "1a.11",
        "the minus sign is distributed over the terms",
        r"-y \ln \hat y - \ln(1 - \hat y) + y \ln(1 - \hat y)",
        lambda y, y_hat: -y * jnp.log(y_hat) - jnp.log(1 - y_hat) + y * jnp.log(1 - y_hat),
    ),
    BY_PREDICTION.equals(
        "1a.12",
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
    BY_PREDICTION.equals(
        "1a.13",
        "factors that do not depend on the prediction are moved out",
        r"-y \frac{\partial}{\partial \hat y} \ln \hat y"
        r" - 1 \frac{\partial}{\partial \hat y} \ln(1 - \hat y)"
        r" + y \frac{\partial}{\partial \hat y} \ln(1 - \hat y)",
        lambda y, y_hat: (
            -y * jax.grad(jnp.log)(y_hat)
            - 1 * jax.grad(lambda y_hat: jnp.log(1 - y_hat))(y_hat)
            + y * jax.grad(lambda y_hat: jnp.log(1 - y_hat))(y_hat)
        ),
    ),
    BY_PREDICTION.equals(
        "1a.14",
        "the logarithms are differentiated, with the chain rule for 1 - ŷ",
        r"-y \frac{1}{\hat y}"
        r" - 1 \frac{1}{1 - \hat y} \frac{\partial}{\partial \hat y} (1 - \hat y)"
        r" + y \frac{1}{1 - \hat y} \frac{\partial}{\partial \hat y} (1 - \hat y)",
        lambda y, y_hat: (
            -y * (1 / y_hat)
            - 1 * (1 / (1 - y_hat)) * jax.grad(lambda y_hat: 1 - y_hat)(y_hat)
            + y * (1 / (1 - y_hat)) * jax.grad(lambda y_hat: 1 - y_hat)(y_hat)
        ),
    ),
    BY_PREDICTION.equals(
        "1a.15",
        "the slope of 1 - ŷ is -1",
        r"-y \frac{1}{\hat y} - 1 \frac{1}{1 - \hat y} (-1) + y \frac{1}{1 - \hat y} (-1)",
        lambda y, y_hat: -y * (1 / y_hat) - 1 / (1 - y_hat) * (-1) + y * (1 / (1 - y_hat)) * (-1),
    ),
    BY_PREDICTION.equals(
        "1a.16",
        "the signs are multiplied",
        r"-\frac{y}{\hat y} + \frac{1}{1 - \hat y} - \frac{y}{1 - \hat y}",
        lambda y, y_hat: -y / y_hat + 1 / (1 - y_hat) - y / (1 - y_hat),
    ),
    BY_PREDICTION.equals(
        "1a.17",
        "the derivative is repeated",
        r"-\frac{y}{\hat y} + \frac{1}{1 - \hat y} - \frac{y}{1 - \hat y}",
        lambda y, y_hat: -y / y_hat + 1 / (1 - y_hat) - y / (1 - y_hat),
    ),
    BY_PREDICTION.equals(
        "1a.18",
        "the fractions get a common denominator",
        r"-\frac{y (1 - \hat y)}{\hat y (1 - \hat y)}"
        r" + \frac{\hat y}{\hat y (1 - \hat y)} - \frac{y \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (
            -(y * (1 - y_hat)) / (y_hat * (1 - y_hat))
            + y_hat / (y_hat * (1 - y_hat))
            - y * y_hat / (y_hat * (1 - y_hat))
        ),
    ),
    BY_PREDICTION.equals(
        "1a.19",
        "the fractions are combined",
        r"\frac{\hat y - y (1 - \hat y) - y \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (y_hat - y * (1 - y_hat) - y * y_hat) / (y_hat * (1 - y_hat)),
    ),
    BY_PREDICTION.equals(
        "1a.20",
        "the numerator is multiplied out",
        r"\frac{\hat y - y + y \hat y - y \hat y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (y_hat - y + y * y_hat - y * y_hat) / (y_hat * (1 - y_hat)),
    ),
    BY_PREDICTION.equals(
        "1a.21",
        "the products cancel",
        r"\frac{\hat y - y}{\hat y (1 - \hat y)}",
        lambda y, y_hat: (y_hat - y) / (y_hat * (1 - y_hat)),
    ),
    BY_PREDICTION.equals(
        "1a.22",
        "the sign is moved to the front",
        r"-\frac{y - \hat y}{\hat y (1 - \hat y)}",
        fraction,
    ),
    BY_WEIGHTS.equals(
        "1a.23",
        "both derivatives are inserted into the chain rule",
        r"\frac{\partial C}{\partial \hat y} \frac{\partial \hat y}{\partial w_i} = "
        r"\left(-\frac{y - \hat y}{\hat y (1 - \hat y)}\right) (x_i \hat y (1 - \hat y))",
        lambda p: (
            loss_by_prediction(p) * prediction_by_weights(p),
            fraction(*labels(p)) * slope(p),
        ),
    ),
    BY_WEIGHTS.equals(
        "1a.24",
        "the product is repeated",
        r"\left(-\frac{y - \hat y}{\hat y (1 - \hat y)}\right) (x_i \hat y (1 - \hat y))",
        lambda p: fraction(*labels(p)) * slope(p),
    ),
    BY_WEIGHTS.equals(
        "1a.25",
        "the denominator cancels the slope, which gives the stated gradient",
        r"-(y - \hat y) x_i",
        gradient,
    ),
)
