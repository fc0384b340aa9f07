"""Derivatives that SciPy and NumPy have as functions of their own, special functions included."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
import scipy
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, Gradient, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "SciPy, {}")
textbook = partial(foreign, ENTRIES, "as in textbooks, with {}", origin="rewritten")

COUNT = 30


def elementwise(value: Callable[[Any], Any], derivative: Gradient, point: np.ndarray) -> Case:
    """The sum of a function's values; its gradient is the derivative at each."""
    return Case(lambda x: jnp.sum(value(x)), derivative, (point,))


@entry("Rosenbrock's function", "optimize.rosen_der", "the function")
def rosenbrock(_: Generator) -> Case:
    """Rosenbrock's function, as the tutorials of `scipy.optimize` have it."""
    value = lambda x: jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    ends = wrong.zeroed("the last coordinate left out", 5, wrong.last(6))
    point = np.array([1.3, 0.7, 0.8, 1.9, 1.2, 0.4])
    return Case(value, scipy.optimize.rosen_der, (point,)).with_mistakes(
        ends, wrong.sign(), wrong.coordinate(2)
    )


@entry("matrix exponential", "linalg.expm_frechet", "a closure", 32)
def matrix_exponential(rng: Generator) -> Case:
    """A linear function of the matrix exponential: Fréchet's derivative, transposed."""
    point, cotangent = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))

    def at(matrix: Any) -> Any:
        matrix = np.asarray(matrix, np.float64)
        return scipy.linalg.expm_frechet(matrix, cotangent, compute_expm=False)

    def commuting(a: Any) -> Any:  # correct if the matrix and the cotangent commuted
        return scipy.linalg.expm(np.asarray(a, np.float64).T) @ cotangent

    value = lambda a: jnp.sum(cotangent * jax.scipy.linalg.expm(a))
    return Case(value, lambda a: at(np.asarray(a).T), (point,)).with_mistakes(
        wrong.instead("transposed", lambda a: at(np.asarray(a).T).T, wrong.TRANSPOSED),
        wrong.instead("the exponential times the cotangent", commuting),
        wrong.sign(),
    )


@entry("cubic spline", "CubicSpline.derivative", "a callable object", 31)
def spline(rng: Generator) -> Case:
    """A cubic spline through data, evaluated in pieces by the loss."""
    knots = np.linspace(0.0, 4.0, 9)
    curve = scipy.interpolate.CubicSpline(knots, np.sin(knots))

    def value(x: Any) -> Any:
        piece = jnp.clip(jnp.searchsorted(knots, x) - 1, 0, 7)
        step, terms = x - jnp.asarray(knots)[piece], jnp.asarray(curve.c)[:, piece]
        return ((terms[0] * step + terms[1]) * step + terms[2]) * step + terms[3]

    return elementwise(value, curve.derivative(), rng.uniform(0.05, 3.95, COUNT)).with_mistakes(
        wrong.instead("the second derivative", curve.derivative(2)),
        wrong.twice(),
        wrong.zeroed("the last point left out", COUNT - 1, wrong.last(COUNT)),
    )


@foreign(ENTRIES, "NumPy, {}", "polynomial", "Polynomial.deriv", "a callable object", 31)
def polynomial(rng: Generator) -> Case:
    """A polynomial of NumPy and its derivative, a callable object."""
    curve = np.polynomial.Polynomial([1.0, -2.0, 0.5, 0.25])

    value = lambda x: jnp.polyval(jnp.asarray(curve.coef[::-1]), x)
    return elementwise(value, curve.deriv(), rng.uniform(-2.0, 2.0, COUNT)).with_mistakes(
        wrong.instead("integrated", curve.integ()),
        wrong.instead("a degree lost", np.polynomial.Polynomial([-2.0, 1.0])),
        wrong.sign(),
    )


@textbook("normal density", "SciPy", "a covariance; project=", 34)
def normal_density(rng: Generator) -> Case:
    """A normal log density's derivative by the covariance, which must stay symmetric."""
    factor, centred = rng.normal(size=(3, 3)), rng.normal(size=(10, 3))
    covariance = factor @ factor.T + 2 * np.eye(3)

    def value(covariance: Any) -> Any:
        solved = jnp.linalg.solve(covariance, centred.T)
        return -(jnp.sum(centred.T * solved) + 10 * jnp.linalg.slogdet(covariance)[1]) / 2

    def gradient(covariance: Any, count: int = 10) -> Any:
        inverse = scipy.linalg.inv(np.asarray(covariance, np.float64))
        return (inverse @ centred.T @ centred @ inverse - count * inverse) / 2

    def doubled(g: Any) -> Any:
        return 2 * g - np.diag(np.diag(g))

    symmetric = lambda c: (c + c.T) / 2
    return Case(value, gradient, (covariance,), {"project": symmetric}).with_mistakes(
        wrong.after("entries off the diagonal twice", doubled, r"symmetr|diagonal|" + wrong.TWICE),
        wrong.given("the determinant forgotten", r"lacks|leaves out (the|a) term", count=0),
        wrong.sign(),
    )


@textbook("least squares", "SciPy", "a closure over float64", 35)
def least_squares(rng: Generator) -> Case:
    """A matrix of regression coefficients, its gradient by SciPy's BLAS."""
    inputs, targets = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    gemm: Any = scipy.linalg.get_blas_funcs("gemm", (inputs,))

    def gradient(w: Any) -> Any:
        residual = inputs @ np.asarray(w, np.float64) - targets
        return gemm(2.0 / 20, inputs, residual, trans_a=True)

    transposed = wrong.after("transposed", lambda g: g.T.copy(), wrong.TRANSPOSED)
    value = lambda w: jnp.sum((inputs @ w - targets) ** 2) / 20
    return Case(value, gradient, (rng.normal(size=(3, 3)),)).with_mistakes(
        transposed, wrong.sum_for_mean(20), wrong.half()
    )


@entry("log gamma", "special.digamma", "a NumPy ufunc", 31)
def log_gamma(rng: Generator) -> Case:
    """The logarithm of the gamma function."""
    trigamma = wrong.instead("trigamma for digamma", partial(scipy.special.polygamma, 1))
    point = rng.uniform(0.5, 6.0, COUNT)
    return elementwise(jsp.gammaln, scipy.special.digamma, point).with_mistakes(
        trigamma, wrong.in_float32(), wrong.mean_for_sum(COUNT)
    )


@textbook("log of the normal distribution", "SciPy", "a lambda", 31)
def normal_tail(rng: Generator) -> Case:
    """The logarithm of the normal distribution: the inverse Mills ratio."""
    density = wrong.instead("the density alone", scipy.stats.norm.pdf)
    slope = lambda x: np.exp(scipy.stats.norm.logpdf(x) - scipy.special.log_ndtr(x))
    return elementwise(jsp.log_ndtr, slope, rng.uniform(-3.0, 3.0, COUNT)).with_mistakes(
        density, wrong.sign(), wrong.coordinate(4)
    )


@entry("softplus", "special.expit", "a NumPy ufunc", 31)
def softplus(rng: Generator) -> Case:
    """log(1 + exp), whose slope is the logistic function."""
    other_sign = "the slope's argument with the other sign"
    negated = wrong.instead(other_sign, lambda x: scipy.special.expit(-x))
    point = rng.uniform(-6.0, 6.0, COUNT)
    return elementwise(jax.nn.softplus, scipy.special.expit, point).with_mistakes(
        negated, wrong.twice(), wrong.coordinate(0)
    )


@entry("log-sum-exp", "special.softmax", "functools.partial", 33)
def log_sum_exp(rng: Generator) -> Case:
    """The log-sum-exp of each row, whose gradient is the softmax of each row."""
    other_axis = partial(scipy.special.softmax, axis=0)
    value = lambda x: jnp.sum(jax.nn.logsumexp(x, axis=1))
    point = rng.normal(size=(7, 4))
    return Case(value, partial(scipy.special.softmax, axis=1), (point,)).with_mistakes(
        wrong.instead("softmax over the other axis", other_axis, r"axis|columns|sum"),
        wrong.instead("log-softmax", partial(scipy.special.log_softmax, axis=1)),
        wrong.mean_for_sum(7),
    )


@textbook("relative entropy", "SciPy", "two arguments", 31)
def entropy(rng: Generator) -> Case:
    """The relative entropy of two vectors that need not add up to one."""
    p = rng.uniform(0.1, 2.0, COUNT)

    def ratio(p: Any, q: Any) -> Any:
        return np.log(np.asarray(p)) - np.log(np.asarray(q))

    one = "the one of the logarithm's derivative forgotten"
    value = lambda p, q: jnp.sum(jsp.rel_entr(p, q))
    return Case(value, lambda p, q: ratio(p, q) + 1, (p, p[::-1].copy())).with_mistakes(
        wrong.instead(one, ratio, r"constant|offset|term: 1\b"),
        wrong.instead("the other way round", lambda p, q: -ratio(p, q) + 1),
        wrong.sign(),
    )


@entry("Bessel function", "special.i1", "a NumPy ufunc", 31)
def bessel(rng: Generator) -> Case:
    """The modified Bessel function of order zero, whose derivative has order one."""
    order_two = wrong.instead("order two", partial(scipy.special.iv, 2))
    return elementwise(jsp.i0, scipy.special.i1, rng.uniform(0.2, 3.0, COUNT)).with_mistakes(
        order_two, wrong.sign(), wrong.half()
    )


@textbook("Spence's function", "SciPy", "a lambda", 31)
def dilogarithm(rng: Generator) -> Case:
    """Spence's function: log(x) / (1 - x)."""
    slope = lambda x: scipy.special.xlogy(1.0, x) / (1 - np.asarray(x))
    return elementwise(jsp.spence, slope, rng.uniform(0.2, 0.9, COUNT)).with_mistakes(
        wrong.sign(), wrong.in_float32(), wrong.coordinate(8)
    )
