"""Derivatives that SciPy and NumPy have as functions of their own."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from experiments.controls.foreign.entry import Case, Foreign, Gradient, Mistake
from experiments.controls.foreign.mistakes import (
    TRANSPOSED,
    TWICE,
    coordinate,
    half,
    instead,
    last,
    sign,
    summed,
    twice,
    zeroed,
)

COUNT = 30
UNNAMED = ""  # for a mistake without a common name, which only has to be caught


def elementwise(
    value: Callable[[Any], Any],
    derivative: Gradient,
    point: np.ndarray,
    *mistakes: Mistake,
) -> Case:
    """The sum of a function's values; its gradient is the derivative at each."""
    return Case(lambda x: jnp.sum(value(x)), derivative, (point,), mistakes)


def _points(lowest: float, highest: float) -> np.ndarray:
    return np.random.default_rng(31).uniform(lowest, highest, COUNT)


def rosenbrock() -> Case:
    """Rosenbrock's function, as the tutorials of `scipy.optimize` have it."""

    def value(x: Any) -> Any:
        return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    ends = zeroed("the last coordinate left out", 5, last(6))
    point = np.array([1.3, 0.7, 0.8, 1.9, 1.2, 0.4])
    return Case(value, scipy.optimize.rosen_der, (point,), (ends, sign(), coordinate(2)))


def matrix_exponential() -> Case:
    """A linear function of the matrix exponential: Fréchet's derivative, transposed."""
    rng = np.random.default_rng(32)
    point, cotangent = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))

    def at(matrix: Any, direction: np.ndarray) -> Any:
        return scipy.linalg.expm_frechet(
            np.asarray(matrix, np.float64), direction, compute_expm=False
        )

    mistakes = (
        instead("transposed", lambda a: at(np.asarray(a).T, cotangent).T, TRANSPOSED),
        instead("the exponential times the cotangent", _commuting(cotangent), UNNAMED),
        sign(),
    )
    return Case(
        lambda a: jnp.sum(cotangent * jax.scipy.linalg.expm(a)),
        lambda a: at(np.asarray(a).T, cotangent),
        (point,),
        mistakes,
    )


def _commuting(cotangent: np.ndarray) -> Gradient:
    """Returns the gradient that would be correct if the matrix and the cotangent commuted."""
    return lambda a: scipy.linalg.expm(np.asarray(a, np.float64).T) @ cotangent


def spline() -> Case:
    """A cubic spline through data, evaluated in pieces by the loss."""
    knots = np.linspace(0.0, 4.0, 9)
    curve = scipy.interpolate.CubicSpline(knots, np.sin(knots))
    second = curve.derivative(2)

    def value(x: Any) -> Any:
        piece = jnp.clip(jnp.searchsorted(knots, x) - 1, 0, 7)
        step, terms = x - jnp.asarray(knots)[piece], jnp.asarray(curve.c)[:, piece]
        return ((terms[0] * step + terms[1]) * step + terms[2]) * step + terms[3]

    mistakes = (
        instead("the second derivative", second, UNNAMED),
        twice(),
        zeroed("the last point left out", COUNT - 1, last(COUNT)),
    )
    return elementwise(value, curve.derivative(), _points(0.05, 3.95), *mistakes)


def polynomial() -> Case:
    """A polynomial of NumPy and its derivative, a callable object."""
    curve = np.polynomial.Polynomial([1.0, -2.0, 0.5, 0.25])
    mistakes = (
        instead("integrated", curve.integ(), UNNAMED),
        instead("a degree lost", np.polynomial.Polynomial([-2.0, 1.0]), UNNAMED),
        sign(),
    )

    def value(x: Any) -> Any:
        return jnp.polyval(jnp.asarray(curve.coef[::-1]), x)

    return elementwise(value, curve.deriv(), _points(-2.0, 2.0), *mistakes)


def normal_density() -> Case:
    """A normal log density's derivative by the covariance, which must stay symmetric."""
    rng = np.random.default_rng(34)
    factor, centred = rng.normal(size=(3, 3)), rng.normal(size=(10, 3))
    covariance = factor @ factor.T + 2 * np.eye(3)

    def value(covariance: Any) -> Any:
        solved = jnp.linalg.solve(covariance, centred.T)
        return -(jnp.sum(centred.T * solved) + 10 * jnp.linalg.slogdet(covariance)[1]) / 2

    def gradient(covariance: Any) -> Any:
        inverse = scipy.linalg.inv(np.asarray(covariance, np.float64))
        return (inverse @ centred.T @ centred @ inverse - 10 * inverse) / 2

    def doubled(covariance: Any) -> Any:
        right = gradient(covariance)
        return 2 * right - np.diag(np.diag(right))

    mistakes = (
        instead("entries off the diagonal twice", doubled, r"symmetr|diagonal|" + TWICE),
        instead("the determinant forgotten", _quadratic(centred), r"lacks|leaves out (the|a) term"),
        sign(),
    )
    symmetric: Gradient = lambda c: (c + c.T) / 2  # noqa: E731 - a projection
    return Case(value, gradient, (covariance,), mistakes, {"project": symmetric})


def _quadratic(centred: np.ndarray) -> Gradient:
    def gradient(covariance: Any) -> Any:
        inverse = scipy.linalg.inv(np.asarray(covariance, np.float64))
        return inverse @ centred.T @ centred @ inverse / 2

    return gradient


def least_squares() -> Case:
    """A matrix of regression coefficients, its gradient by SciPy's BLAS."""
    rng = np.random.default_rng(35)
    inputs, targets = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    gemm: Any = scipy.linalg.get_blas_funcs("gemm", (inputs,))

    def gradient(w: Any) -> Any:
        residual = inputs @ np.asarray(w, np.float64) - targets
        return gemm(2.0 / 20, inputs, residual, trans_a=True)

    mistakes = (
        instead("transposed", lambda w: gradient(w).T.copy(), TRANSPOSED),
        instead("the sum for the mean", lambda w: 20 * gradient(w), summed(20)),
        half(),
    )
    value: Gradient = lambda w: jnp.sum((inputs @ w - targets) ** 2) / 20  # noqa: E731
    return Case(value, gradient, (rng.normal(size=(3, 3)),), mistakes)


def _entry(name: str, called: str, make: Callable[[], Case], held: str = "the function") -> Foreign:
    return Foreign(name, called, held, make)


def _textbook(name: str, make: Callable[[], Case], held: str) -> Foreign:
    return Foreign(name, "as in textbooks, with SciPy", held, make, "rewritten")


SCIPY_RULES = (
    _entry("Rosenbrock's function", "SciPy, optimize.rosen_der", rosenbrock),
    _entry("matrix exponential", "SciPy, linalg.expm_frechet", matrix_exponential, "a closure"),
    _entry("cubic spline", "SciPy, CubicSpline.derivative", spline, "a callable object"),
    _entry("polynomial", "NumPy, Polynomial.deriv", polynomial, "a callable object"),
    _textbook("normal density", normal_density, "a covariance; project="),
    _textbook("least squares", least_squares, "a closure over float64"),
)
