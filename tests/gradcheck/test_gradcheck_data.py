"""Data that the functions hold: in float64, in float32, or in one precision each."""

import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.gradcheck import check

pytestmark = pytest.mark.usefixtures("quick_compilation", "promotion")

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(16, 4)), RNG.normal(size=16), RNG.normal(size=4)
X32, Y32 = X.astype("float32"), Y.astype("float32")
OF_JAX = jnp.asarray(X32), jnp.asarray(Y32)


def loss_of(inputs, targets):
    return lambda w: jnp.mean((inputs @ w - targets) ** 2)


def gradient_of(inputs, targets, factor=1.0):
    return lambda w: factor * 2 * inputs.T @ (inputs @ w - targets) / 16


def in_numpy(inputs, targets, factor=1.0):
    def gradient(w, inputs=inputs, targets=targets):
        return factor * 2 * inputs.T @ (inputs @ np.asarray(w) - targets) / 16

    return gradient


DATA = {"NumPy": (X, Y), "float32": (X32, Y32), "JAX": OF_JAX, "some float32": (X, Y32)}


@pytest.mark.parametrize("held", DATA)
@pytest.mark.parametrize("gradient", [gradient_of, in_numpy])
@pytest.mark.parametrize("used", DATA)
def test_a_gradient_is_right_whatever_the_precision_of_its_data(held, gradient, used):
    if gradient is in_numpy and used == "JAX":
        used = "float32"
    report = check(loss_of(*DATA[held]), gradient(*DATA[used]), W)
    assert report.passes
    assert report.formula == "equal"
    said = " ".join(report.diagnosis)
    assert ("as far as the rounding of the data allows" in said) == (report.proof.digits < 12)


@pytest.mark.parametrize("held", DATA)
@pytest.mark.parametrize("gradient", [gradient_of, in_numpy])
def test_an_error_larger_than_rounding_is_found_all_the_same(held, gradient):
    report = check(loss_of(*DATA[held]), gradient(X, Y, factor=1.0001), W)
    assert not report.passes
    assert report.formula == "different"
