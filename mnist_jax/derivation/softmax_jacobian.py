r"""Task 1b: the derivative of the softmax by the quotient rule, equations 5 to 9.

The matrix [k, i] contains $\partial \hat y_k / \partial z_i$; its diagonal is the case k = i.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from mnist_jax.derivation.equation import Equation, Line
from mnist_jax.derivation.problem import Problem
from mnist_jax.derivation.softmax import softmax_by_logits

Vector = Float[Array, " K"]
Matrix = Float[Array, "K K"]


class Denominator(NamedTuple):
    r"""The denominator in equations 8 and 9, a function of all $e^{z_k}$."""

    latex: str
    value: Callable[[Vector], Float[Array, ""]]


SUM_OF_SQUARES = Denominator(r"\sum_{k'} (e^{z_{k'}})^2", lambda e: jnp.sum(e**2))
SQUARE_OF_SUM = Denominator(r"(\sum_{k'} e^{z_{k'}})^2", lambda e: jnp.sum(e) ** 2)

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


def expanded_softmax(logits: Vector) -> Vector:
    """Return the softmax with the sum in its denominator written out."""
    return jnp.exp(logits) / jnp.sum(jnp.exp(logits))


def _line(latex: str, right: Callable[[Vector, Array], Any]) -> Line:
    """Make a line whose right side is a function of all $e^{z_k}$ and their sum."""

    def of_problem(problem: Problem) -> Any:
        e = jnp.exp(problem.logits)
        return right(e, jnp.sum(e))

    head = r"\frac{\partial \hat y_k}{\partial z_i} = "
    return Line(head + latex, softmax_by_logits, of_problem)


def _fractions(denominator: Denominator) -> Line:
    def right(e: Vector, total: Array) -> Matrix:
        below = denominator.value(e)
        return cases(-jnp.outer(e, e) / below, (e * total - e**2) / below)

    return _line(LATEX_8.replace("DENOMINATOR", denominator.latex), right)


def _factors(denominator: Denominator) -> Line:
    def right(e: Vector, total: Array) -> tuple[Matrix, ...]:
        below, y_hat = denominator.value(e), e / total
        product = -jnp.outer(y_hat, y_hat)
        return (
            cases(-jnp.outer(e, e) / below, (e * total - e**2) / below),
            cases(-jnp.outer(e / total, e / total), e * (total - e) / below),
            cases(product, e / total * (total / total - e / total)),
            cases(product, y_hat * (1 - y_hat)),
        )

    return _line(LATEX_9.replace("DENOMINATOR", denominator.latex), right)


JACOBIAN = (
    Equation(
        "5",
        "1b",
        "the softmax, with its sum written out",
        Line(
            r"\frac{\partial \hat y_k}{\partial z_i} = \frac{\partial}{\partial z_i}"
            r" \frac{e^{z_k}}{e^{z_1} + \dots + e^{z_i} + \dots + e^{z_K}}",
            softmax_by_logits,
            lambda p: jax.jacobian(expanded_softmax)(p.logits),
        ),
    ),
    Equation(
        "6",
        "1b",
        "the quotient rule; only one term of the sum depends on the logit",
        _line(
            LATEX_6,
            lambda e, total: (
                cases(0 * total - jnp.outer(e, e), (e * total)[None, :] - jnp.outer(e, e))
                / total**2
            ),
        ),
    ),
    Equation(
        "7",
        "1b",
        "where the indices are equal, the product is a square",
        _line(LATEX_7, lambda e, total: cases(0 - jnp.outer(e, e), e * total - e**2) / total**2),
    ),
    Equation(
        "8",
        "1b",
        "the sums are abbreviated; the square of the sum becomes a sum of squares",
        _fractions(SUM_OF_SQUARES),
        _fractions(SQUARE_OF_SUM),
    ),
    Equation(
        "9",
        "1b",
        "the fractions are factored into predictions; their denominators are those of 8",
        _factors(SUM_OF_SQUARES),
        _factors(SQUARE_OF_SUM),
    ),
)
