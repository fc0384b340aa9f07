"""Slips that shapes, integers and factors give away, and functions that are not pure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.gradcheck import check

pytestmark = pytest.mark.usefixtures("quick_compilation")

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(30, 4)), RNG.normal(size=30), RNG.normal(size=4)
PIXELS = RNG.integers(0, 256, (30, 4)).astype(np.uint8)
LABELS = RNG.integers(0, 2, 30)


@pytest.fixture(autouse=True)
def _as_users_have_it():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def mean_square(w):
    return jnp.mean((X @ w - Y) ** 2)


def its_gradient(w):
    return 2 * X.T @ (X @ w - Y) / 30


def of_pixels(w):
    return jnp.mean(((PIXELS.astype(float) - 128) / 255 @ w - Y) ** 2)


def with_bytes(w):
    inputs = (PIXELS - np.uint8(128)) / 255
    return 2 * inputs.T @ (inputs @ w - Y) / 30


def of_given_pixels(w, pixels):
    return jnp.mean((pixels.astype(w.dtype) * 2 / 255 @ w - Y) ** 2)


def with_given_bytes(w, pixels):
    inputs = (pixels * 2).astype(w.dtype) / 255
    return 2 * inputs.T @ (inputs @ w - Y) / 30


def with_column(w):
    residual = X @ w - Y[:, None]
    return 2 * (X.T @ residual).mean(axis=1) / 30


def in_bits(w):
    signs = 2 * LABELS - 1
    return jnp.mean(jnp.logaddexp(0, -signs * (X @ w))) / jnp.log(2.0)


def in_nats(w):
    return X.T @ (1 / (1 + jnp.exp(-(X @ w))) - LABELS) / 30


@pytest.mark.parametrize(
    ("loss", "gradient", "arguments", "words"),
    [
        (mean_square, with_column, (), "the gradient combines (30, 1) with (30,)"),
        (lambda w: jnp.mean((X @ w - Y[:, None]) ** 2), its_gradient, (), "the loss combines"),
        (of_pixels, with_bytes, (), "computes with PIXELS as uint8, which wraps around"),
        (of_given_pixels, with_given_bytes, (PIXELS,), "uint8, which wraps around (mul)"),
        (lambda w: jnp.sqrt(mean_square(w)), its_gradient, (), "It is parallel to autodiff's"),
        (in_bits, in_nats, (), "ln 2"),
    ],
)
def test_a_slip_is_named(loss, gradient, arguments, words):
    report = check(loss, gradient, W, *arguments)
    assert not report
    assert words in " ".join(report.diagnosis)


def test_a_right_gradient_with_such_shapes_and_integers_passes():
    def loss(w, pixels):
        kernel = (X @ w)[:, None] - Y[None, :]
        return jnp.mean(jnp.tanh(kernel)) + jnp.mean((pixels * 2).astype(w.dtype) @ w)

    report = check(loss, jax.grad(loss), W, PIXELS)
    assert report
    assert not report.diagnosis


def test_the_size_of_an_array_is_a_factor():
    targets = RNG.normal(size=(30, 3))
    loss = lambda w: jnp.mean((X @ w - targets) ** 2)
    report = check(loss, lambda w: 2 * X.T @ (X @ w - targets), RNG.normal(size=(4, 3)))
    assert "90 times autodiff's (the size of targets)" in report.diagnosis[0]


def test_a_gradient_that_changes_its_labels_is_not_pure():
    labels = Y.copy()

    def changes(w, labels):
        labels -= X @ w
        return -2 * X.T @ labels / 30

    report = check(lambda w, labels: jnp.mean((X @ w - labels) ** 2), changes, W, labels)
    assert "not a pure function" in report.diagnosis[0]
    np.testing.assert_array_equal(labels, Y)


def test_arrays_that_a_gradient_closes_over_are_as_before():
    labels = Y.copy()

    def changes(w):
        labels[:] = labels - X @ w
        return -2 * X.T @ labels / 30

    report = check(mean_square, lambda w: 1 * changes(w), W)
    assert "not a pure function" in report.diagnosis[0]
    np.testing.assert_array_equal(labels, Y)
