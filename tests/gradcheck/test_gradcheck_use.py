"""Wrong use of the gradient checker: one message that names what is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import check

QUICK = {"points": 1, "directions": 1, "precisions": ("float64",)}
X, TARGETS = np.linspace(-1, 1, 100).reshape(20, 5), np.eye(3)[np.arange(20) % 3]


def cross_entropy(weights):
    return -jnp.mean(jnp.sum(TARGETS * jax.nn.log_softmax(X @ weights.T), axis=1))


def by_logits(weights):
    return (jax.nn.softmax(X @ weights.T) - TARGETS) / len(X)


def of_sizes(w):
    return jnp.sum(jnp.abs(w))


@pytest.mark.parametrize(
    ("loss", "gradient", "arguments", "message"),
    [
        (jnp.square, lambda w: 2 * w, [jnp.ones(3)], r"the loss returns float64\[3\], not a"),
        (lambda w: (w, w), lambda w: w, [1.0], r"the loss returns .*return one scalar"),
        (lambda w: jnp.sum(w) > 0, lambda w: w, [1.0], r"the loss returns bool\[\]"),
        (
            lambda w: jnp.sum(w @ w.T @ w),
            lambda w: w,
            [jnp.ones(3)],
            r"(?s)the loss raised .*w: float64\[3\]",
        ),
        (jnp.sum, lambda w: w.nothing, [jnp.ones(3)], "the gradient raised AttributeError: .*"),
        (
            lambda w, x: w * x,
            lambda w, x: x,
            [jnp.arange(3), 2.0],
            r"w is int.*\[3\], which has no derivative",
        ),
        (lambda w: w["a"] * 1.0, lambda w: w, [{"a": 1.0, "b": True}], r"w\['b'\] is bool\[\]"),
        (lambda w: 0.0, lambda w: w, [[]], "w holds no array"),
        (jnp.sum, lambda w: w, [np.array([[0, np.nan]])], r"\[0, 1\] is nan, not finite in"),
        (jnp.sum, lambda w: [w], [jnp.ones(3)], r"returns \[float64\[3\]\], but .* same tree"),
        (jnp.sum, lambda w: w.T, [jnp.ones((2, 3))], r"float64\[3, 2\], but .* \(transposed\?\)"),
        (jnp.sum, lambda w: w.astype(int), [jnp.ones(3)], r"is int.*\[3\]: return floating numb"),
        (cross_entropy, by_logits, [np.eye(3, 5)], r"float64\[20, 3\].*such as the logits"),
        (of_sizes, lambda w: w, [np.ones(3, complex)], "complex arguments are not checked"),
        (of_sizes, lambda w: w, [np.zeros(0)], "which is empty"),
    ],
)
def test_wrong_use_names_what_is_wrong(loss, gradient, arguments, message):
    with pytest.raises(UsageError, match=message):
        check(loss, gradient, *arguments, **QUICK)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"argnum": 1}, "argnum is 1, with 1 arguments"),
        ({"points": 0}, "points is 0"),
        ({"directions": -1}, "directions is -1"),
        ({"precisions": ("float16",)}, "precisions is .*float16"),
        ({"precisions": ()}, r"precisions is \(\)"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        check(jnp.sum, jnp.ones_like, jnp.ones(3), **{**QUICK, **options})


def test_a_number_too_large_for_float32_is_refused_there():
    with pytest.raises(UsageError, match=r"w is 1e\+300, not finite in float32"):
        check(lambda w: w * 1.0, jnp.ones_like, 1e300)
