"""Gradients written in NumPy, evaluated in balls as they stand."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from formulas import formula

from mnist_jax.gradcheck.arithmetic.balls import precision
from mnist_jax.gradcheck.arithmetic.elementwise import UFUNCS
from mnist_jax.gradcheck.arithmetic.exact import exactly
from mnist_jax.gradcheck.arithmetic.numbers import call
from mnist_jax.models import objective, softmax

RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(3, 5)), RNG.normal(size=(8, 5))
ONE_HOT = np.eye(3)[RNG.integers(0, 3, 8)]


def entropy(w, x, y):
    return objective(softmax, w, x, y, 0.1)


def test_gradients_in_numpy():
    def right(w, x, y):
        e = np.exp(x @ w.T - (x @ w.T).max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return (p - y).T @ x / len(x) + 0.2 * w

    assert formula(entropy, right, W, X, ONE_HOT, numpy=True).digits > 30
    found = formula(entropy, lambda *a: right(*a) * 1.01, W, X, ONE_HOT, numpy=True)
    assert found.verdict == "different"

    def in_place(w, x, y):
        result = np.zeros((3, 5))
        result[:] = right(w, x, y)
        return result

    assert formula(entropy, in_place, W, X, ONE_HOT, numpy=True).digits > 30

    def with_floats(w, x, y):
        return np.array([[float(entry) for entry in row] for row in w])

    refused = formula(entropy, with_floats, W, X, ONE_HOT, numpy=True)
    assert refused.verdict == "not told"
    assert "NumPy" in refused.note


def test_functions_of_numpy_on_balls():
    w = np.array([0.3, 0.7])
    cases = [
        (lambda w: jnp.sum(jnp.arcsin(w)), lambda w: 1 / np.sqrt(1 - np.square(w))),
        (lambda w: jnp.sum(jnp.tanh(w)), lambda w: 1 - np.tanh(w) ** 2),
        (lambda w: jnp.sum(jnp.log1p(w)), lambda w: np.reciprocal(1 + w)),
        (lambda w: jnp.sum(jnp.abs(w)), lambda w: np.where(w > 0, 1.0, -1.0)),
        (lambda w: jnp.sum(jnp.exp2(w)), lambda w: np.log(2) * np.exp2(w)),
        (lambda w: jnp.sum(jnp.cbrt(w)), lambda w: 1 / (3 * np.cbrt(w) ** 2)),
        (jnp.max, lambda w: (w == np.max(w)) * 1.0),
        (lambda w: jnp.sum(jnp.logaddexp(w, 0.0)), lambda w: 1 / (1 + np.exp(-w))),
        (lambda w: jnp.sum(w) ** 2, lambda w: 2 * np.dot(np.ones((2, 2)), w[:, None])[:, 0]),
        (lambda w: jnp.sum(w**2), lambda w: np.add.reduce([w, w]) * np.dot([0.5, 0.5], [1.0, 1.0])),
        (lambda w: jnp.sum(w) ** 2, lambda w: 2 * (w @ np.ones(2)) * np.ones(2)),
        (lambda w: jnp.sum(jax.lax.lgamma(w)), scipy.special.psi),
        (lambda w: jnp.sum(jax.nn.softplus(w)), lambda w: scipy.special.expit(np.array(w, float))),
        (lambda w: jnp.sum(w**2), lambda w: np.where(np.isnan(w), 0.0, 2 * np.fabs(w))),
    ]
    for loss, gradient in cases:
        assert formula(loss, gradient, w, numpy=True).digits > 30


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_on_balls_are_those_of_numpy_and_scipy(name):
    ufunc = getattr(scipy.special, name.removeprefix("_"), None) or getattr(np, name)
    operands = [np.array([0.3, 0.9, 0.45]), np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.6, 0.8])]
    operands = operands[: UFUNCS[name].operands]
    if name == "arccosh":
        operands = [1 + operands[0]]
    if name == "_zeta":
        operands[0] = 1 + operands[0]
    expected = ufunc(*operands)
    with precision(128):
        (found,) = call(
            lambda *given: [np.asarray(ufunc(*given), float)], [exactly(x) for x in operands]
        )
        assert found.dtype == object
    np.testing.assert_allclose(found.astype(float), expected, rtol=1e-13)


def test_other_threads_make_their_own_arrays():
    made = []

    def gradient(w):
        thread = threading.Thread(target=lambda: made.append(np.zeros(2)))
        thread.start()
        thread.join()
        return np.zeros(2) + w

    assert formula(lambda w: jnp.sum(w**2) / 2, gradient, np.ones(2), numpy=True).digits > 30
    assert {array.dtype for array in made} == {np.dtype(float)}
    assert np.zeros(1).dtype == float


def test_compiled_code_makes_its_own_arrays():
    """NumPy's generators write floats to the memory of arrays from `numpy.empty`."""

    def gradient(w):
        result = np.empty(w.shape)
        result[:] = 2 * w + 1e-3 * np.random.default_rng(0).normal(size=w.shape)
        return result

    w = np.linspace(0.1, 1, 50)
    found = formula(lambda w: jnp.sum(w**2), gradient, w, numpy=True)
    assert found.verdict == "different"
    assert np.empty(1).dtype == float
