"""Derivatives among SciPy's special functions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np
import scipy

from experiments.controls.foreign.entry import Case, Foreign, Gradient, Mistake
from experiments.controls.foreign.mistakes import (
    coordinate,
    half,
    in_float32,
    instead,
    mean_for_sum,
    sign,
    twice,
)

COUNT = 30
UNNAMED = ""  # for a mistake without a common name, which only has to be caught


def log_gamma() -> Case:
    """The logarithm of the gamma function."""
    mistakes = (
        instead("trigamma for digamma", partial(scipy.special.polygamma, 1), UNNAMED),
        in_float32(),
        mean_for_sum(COUNT),
    )
    return elementwise(jsp.gammaln, scipy.special.digamma, _points(0.5, 6.0), *mistakes)


def normal_tail() -> Case:
    """The logarithm of the normal distribution: the inverse Mills ratio."""
    mistakes = (
        instead("the density alone", scipy.stats.norm.pdf, UNNAMED),
        sign(),
        coordinate(4),
    )
    slope: Gradient = lambda x: np.exp(scipy.stats.norm.logpdf(x) - scipy.special.log_ndtr(x))  # noqa: E731
    return elementwise(jsp.log_ndtr, slope, _points(-3.0, 3.0), *mistakes)


def softplus() -> Case:
    """log(1 + exp), whose slope is the logistic function."""
    mistakes = (
        instead(
            "the slope's argument with the other sign", lambda x: scipy.special.expit(-x), UNNAMED
        ),
        twice(),
        coordinate(0),
    )
    return elementwise(jax.nn.softplus, scipy.special.expit, _points(-6.0, 6.0), *mistakes)


def log_sum_exp() -> Case:
    """The log-sum-exp of each row, whose gradient is the softmax of each row."""
    point = np.random.default_rng(33).normal(size=(7, 4))
    mistakes = (
        instead(
            "softmax over the other axis",
            partial(scipy.special.softmax, axis=0),
            r"axis|columns|sum",
        ),
        instead("log-softmax", partial(scipy.special.log_softmax, axis=1), UNNAMED),
        mean_for_sum(7),
    )
    right = partial(scipy.special.softmax, axis=1)
    return Case(lambda x: jnp.sum(jax.nn.logsumexp(x, axis=1)), right, (point,), mistakes)


def entropy() -> Case:
    """The relative entropy of two vectors that need not add up to one."""
    p, q = _points(0.1, 2.0), _points(0.1, 2.0)[::-1].copy()
    mistakes = (
        instead(
            "the one of the logarithm's derivative forgotten",
            _log_ratio,
            r"constant|offset|term: 1\b",
        ),
        instead("the other way round", lambda p, q: -_log_ratio(p, q) + 1, UNNAMED),
        sign(),
    )
    return Case(
        lambda p, q: jnp.sum(jsp.rel_entr(p, q)),
        lambda p, q: _log_ratio(p, q) + 1,
        (p, q),
        mistakes,
    )


def _log_ratio(p: Any, q: Any) -> Any:
    return np.log(np.asarray(p)) - np.log(np.asarray(q))


def bessel() -> Case:
    """The modified Bessel function of order zero, whose derivative has order one."""
    mistakes = (
        instead("order two", partial(scipy.special.iv, 2), UNNAMED),
        sign(),
        half(),
    )
    return elementwise(jsp.i0, scipy.special.i1, _points(0.2, 3.0), *mistakes)


def dilogarithm() -> Case:
    """Spence's function: log(x) / (1 - x)."""
    slope: Gradient = lambda x: scipy.special.xlogy(1.0, x) / (1 - np.asarray(x))  # noqa: E731
    mistakes = (sign(), in_float32(), coordinate(8))
    return elementwise(jsp.spence, slope, _points(0.2, 0.9), *mistakes)


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


def _entry(name: str, called: str, make: Callable[[], Case], held: str = "the function") -> Foreign:
    return Foreign(name, called, held, make)


def _textbook(name: str, make: Callable[[], Case], held: str) -> Foreign:
    return Foreign(name, "as in textbooks, with SciPy", held, make, "rewritten")


SCIPY_SPECIAL = (
    _entry("log gamma", "SciPy, special.digamma", log_gamma, "a NumPy ufunc"),
    _textbook("log of the normal distribution", normal_tail, "a lambda"),
    _entry("softplus", "SciPy, special.expit", softplus, "a NumPy ufunc"),
    _entry("log-sum-exp", "SciPy, special.softmax", log_sum_exp, "functools.partial"),
    _textbook("relative entropy", entropy, "two arguments"),
    _entry("Bessel function", "SciPy, special.i1", bessel, "a NumPy ufunc"),
    _textbook("Spence's function", dilogarithm, "a lambda"),
)
