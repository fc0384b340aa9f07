r"""Task 1b: the derivative of the softmax by the quotient rule, equations 5 to 9.

The matrix [k, i] contains $\partial \hat y_k / \partial z_i$; its diagonal is the case k = i.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax.derivation.equation import Quantity
from mnist_jax.derivation.problem import Problem
from mnist_jax.derivation.softmax import softmax_by_logits

Vector = Float[Array, " K"]
Matrix = Float[Array, "K K"]


SUM_OF_SQUARES = r"\sum_{k'} (e^{z_{k'}})^2"
SQUARE_OF_SUM = r"(\sum_{k'} e^{z_{k'}})^2"
# \cr ends a case, because GitHub's Markdown replaces two backslashes by one
LATEX_6 = (
    r"\begin{cases} \frac{0 (e^{z_1} + \dots + e^{z_K}) - e^{z_i} e^{z_k}}"
    r"{(e^{z_1} + \dots + e^{z_K})^2} & k \neq i \cr"
    r" \frac{e^{z_i} (e^{z_1} + \dots + e^{z_K}) - e^{z_i} e^{z_k}}"
    r"{(e^{z_1} + \dots + e^{z_K})^2} & k = i \end{cases}"
)
LATEX_7 = (
    r"\begin{cases} \frac{0 - e^{z_i} e^{z_k}}{(e^{z_1} + \dots + e^{z_K})^2} & k \neq i \cr"
    r" \frac{e^{z_i} (e^{z_1} + \dots + e^{z_K}) - (e^{z_i})^2}"
    r"{(e^{z_1} + \dots + e^{z_K})^2} & k = i \end{cases}"
)
LATEX_8 = (
    r"\begin{cases} \frac{-e^{z_i} e^{z_k}}{DENOMINATOR} & k \neq i \cr"
    r" \frac{e^{z_i} \sum_{k'} e^{z_{k'}} - (e^{z_i})^2}{DENOMINATOR} & k = i \end{cases}"
)
LATEX_9 = (
    r"\begin{cases} \frac{-e^{z_i} e^{z_k}}{DENOMINATOR}"
    r" = -\frac{e^{z_i}}{\sum_{k'} e^{z_{k'}}} \frac{e^{z_k}}{\sum_{k'} e^{z_{k'}}}"
    r" = -\hat y_i \hat y_k & k \neq i \cr"
    r" \frac{e^{z_i} \sum_{k'} e^{z_{k'}} - (e^{z_i})^2}{DENOMINATOR}"
    r" = \frac{e^{z_i} (\sum_{k'} e^{z_{k'}} - e^{z_i})}{DENOMINATOR} & k = i \cr"
    r" \quad = \frac{e^{z_i}}{\sum_{k'} e^{z_{k'}}} \left(\frac{\sum_{k'} e^{z_{k'}}}"
    r"{\sum_{k'} e^{z_{k'}}} - \frac{e^{z_i}}{\sum_{k'} e^{z_{k'}}}\right)"
    r" = \hat y_i (1 - \hat y_i) & \end{cases}"
)


def cases(apart: Matrix, equal: Matrix | Vector) -> Matrix:
    """Combine an expression for k != i with one for k = i, which may depend on i alone."""
    return jnp.where(jnp.eye(len(equal), dtype=bool), jnp.atleast_2d(equal), apart)


def exponentials(problem: Problem) -> tuple[Vector, Float[Array, ""]]:
    """Return all $e^{z_k}$ and their sum."""
    e = jnp.exp(problem.logits)
    return e, jnp.sum(e)


def fractions(e: Vector, total: Array, below: Array) -> Matrix:
    """Return the right side of equation 8 with a denominator."""
    return cases(-jnp.outer(e, e) / below, (e * total - e**2) / below)


def factors(e: Vector, total: Array, below: Array) -> tuple[Matrix, ...]:
    """Return the right sides of equation 9 with a denominator."""
    y_hat = e / total
    product = -jnp.outer(y_hat, y_hat)
    return (
        fractions(e, total, below),
        cases(-jnp.outer(e / total, e / total), e * (total - e) / below),
        cases(product, e / total * (total / total - e / total)),
        cases(product, y_hat * (1 - y_hat)),
    )


BY_LOGITS = Quantity(
    "1b", r"\frac{\partial \hat y_k}{\partial z_i}", softmax_by_logits, exponentials
)

EQUATIONS = (
    BY_LOGITS._replace(symbols=lambda problem: (problem.logits,)).equals(
        "5",
        "the softmax, with its sum written out",
        r"\frac{\partial}{\partial z_i}"
        r" \frac{e^{z_k}}{e^{z_1} + \dots + e^{z_i} + \dots + e^{z_K}}",
        jax.jacobian(lambda z: jnp.exp(z) / jnp.sum(jnp.exp(z))),
    ),
    BY_LOGITS.equals(
        "6",
        "the quotient rule; only one term of the sum depends on the logit",
        LATEX_6,
        lambda e, total: (
            cases(0 * total - jnp.outer(e, e), (e * total)[None, :] - jnp.outer(e, e)) / total**2
        ),
    ),
    BY_LOGITS.equals(
        "7",
        "where the indices are equal, the product is a square",
        LATEX_7,
        lambda e, total: cases(0 - jnp.outer(e, e), e * total - e**2) / total**2,
    ),
    BY_LOGITS.equals(
        "8",
        "the sums are abbreviated; the square of the sum becomes a sum of squares",
        LATEX_8.replace("DENOMINATOR", SUM_OF_SQUARES),
        lambda e, total: fractions(e, total, jnp.sum(e**2)),
        corrected=(
            LATEX_8.replace("DENOMINATOR", SQUARE_OF_SUM),
            lambda e, total: fractions(e, total, jnp.sum(e) ** 2),
        ),
    ),
    BY_LOGITS.equals(
        "9",
        "the fractions are factored into predictions; their denominators are those of 8",
        LATEX_9.replace("DENOMINATOR", SUM_OF_SQUARES),
        lambda e, total: factors(e, total, jnp.sum(e**2)),
        corrected=(
            LATEX_9.replace("DENOMINATOR", SQUARE_OF_SUM),
            lambda e, total: factors(e, total, jnp.sum(e) ** 2),
        ),
    ),
)
