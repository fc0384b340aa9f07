"""Slips that a check names: in shapes, integers, factors, axes, terms; impure functions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.gradcheck import check

pytestmark = pytest.mark.usefixtures("quick_compilation", "promotion")

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(30, 4)), RNG.normal(size=30), RNG.normal(size=4)
PIXELS = RNG.integers(0, 256, (30, 4)).astype(np.uint8)
LABELS = RNG.integers(0, 2, 30)
CLASSES, MATRIX = RNG.integers(0, 3, 30), RNG.normal(size=(3, 4))

check64 = functools.partial(check, precisions=("float64",))


def said(report):
    return " | ".join(report.diagnosis)


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


def penalised(w, l2):
    return mean_square(w) + l2 * jnp.sum(w**2)


def weighted(w, s):
    return jnp.sum(s * (X @ w - Y) ** 2)


def of_labels(w, labels):
    return 2 * X.T @ (X @ w - labels) / 30


def of_rows(w, rows):
    return 2 * X[:rows].T @ (X[:rows] @ w - Y[:rows])


def cross_entropy(weights):
    return -jnp.mean(jax.nn.log_softmax(X @ weights.T)[jnp.arange(30), CLASSES])


def its_residual(weights, classes=CLASSES, axis=1):
    exps = np.exp(X @ np.asarray(weights).T)
    return exps / exps.sum(axis, keepdims=True) - np.eye(3)[classes]


# the same in both precisions
MISTAKES = [
    (mean_square, lambda w: 30 * its_gradient(w), [W], "times autodiff's (the length of axis 0"),
    (mean_square, lambda w: -its_gradient(w), [W], "-1 times autodiff's: the sign is wrong"),
    (mean_square, lambda w: of_labels(w, np.roll(Y, 1)), [W], "shifted by 1 along axis 0"),
    (mean_square, lambda w: of_rows(w, 29) / 30, [W], "leaves out the last of the 30 rows"),
    (mean_square, lambda w: of_rows(w, 29) / 29, [W], "in the number that it is divided by"),
    (
        *(cross_entropy, lambda m: its_residual(m, axis=0).T @ X / 30, [MATRIX]),
        "takes the softmax over axis 0, the loss over axis 1",
    ),
    (
        *(cross_entropy, lambda m: its_residual(m, (CLASSES + 1) % 3).T @ X / 30, [MATRIX]),
        "shifted by one",
    ),
    (
        *(penalised, lambda w, l2: 30 * its_gradient(w) + 2 * l2 * w, [W, 0.3]),
        "in the term of the loss that holds X",
    ),
    (penalised, lambda w, l2: its_gradient(w) + l2 * w, [W, 0.3], "lacks a term: 0.3 (l2) times w"),
    (penalised, lambda w, l2: its_gradient(w), [W, 0.3], "lacks a term: 0.6 (twice l2) times w"),
    (weighted, lambda w, s: 2 * X.T @ (X @ w - Y), [W, np.ones(30)], "forgets s"),
    (weighted, lambda w, s: 2 * X.T @ (X @ w - Y), [W, RNG.uniform(0.2, 2, 30)], "forgets s"),
]


@pytest.mark.parametrize(("loss", "gradient", "arguments", "words"), MISTAKES)
def test_a_mistake_is_named(loss, gradient, arguments, words):
    assert words in said(check64(loss, gradient, *arguments))


def test_a_penalty_of_zero_does_not_hide_a_wrong_one():
    report = check64(penalised, lambda w, l2: its_gradient(w) + l2 * w, W, 0.0)
    assert not report.passes
    assert "l2 = 0.1" in said(report)
    right = check64(penalised, lambda w, l2: its_gradient(w) + 2 * l2 * w, W, 0.0)
    assert right.passes
    assert "also checked with l2 = 0.1" in said(right)


def test_a_forgotten_activation_is_named():
    def loss(params):
        return jnp.mean((jax.nn.relu(X @ params["w"]) @ params["v"] - Y) ** 2)

    def gradient(params):
        hidden = jax.nn.relu(X @ params["w"])
        residual = 2 * (hidden @ params["v"] - Y) / 30
        return {"v": hidden.T @ residual, "w": X.T @ (residual[:, None] * params["v"][None])}

    report = check64(loss, gradient, {"v": RNG.normal(size=4), "w": RNG.normal(size=(4, 4))})
    assert report.diagnosis == ("params['w']: the gradient leaves out the derivative of relu",)


def test_one_wrong_coordinate_in_each_of_two_leaves():
    report = check64(
        lambda p: jnp.sum(jnp.sin(p["a"])) + jnp.sum(p["b"] ** 3),
        lambda p: {
            "a": jnp.cos(p["a"]).at[0, 0].multiply(1.001),
            "b": (3 * p["b"] ** 2).at[0].multiply(1.001),
        },
        {"a": RNG.normal(size=(4, 3)), "b": RNG.normal(size=5)},
    )
    assert report.diagnosis == (
        "p['a'][0, 0]: the gradient is 1.001 times autodiff's",
        "p['b'][0]: the gradient is 1.001 times autodiff's",
    )


@pytest.mark.parametrize("factor", [-1, 2, 30])
def test_an_epsilon_in_the_loss_does_not_blur_the_factor(factor):
    def clipped(m):
        p = jax.nn.softmax(X @ m.T)
        return -jnp.mean(jnp.log(p[jnp.arange(30), CLASSES] + 1e-8))

    def gradient(m):
        return factor * (jax.nn.softmax(X @ m.T) - jnp.eye(3)[CLASSES]).T @ X / 30

    assert f"is {factor} times autodiff's" in said(check64(clipped, gradient, MATRIX))
