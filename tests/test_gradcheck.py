"""The comparison of a hand-derived gradient with autodiff's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax import losses
from mnist_jax.gradcheck import compare, tolerance
from mnist_jax.gradients import softmax_gradient


def softmax_loss(weights, inputs, targets):
    return losses.softmax_cross_entropy(inputs @ weights.T, targets)


@pytest.fixture
def problem():
    keys = jax.random.split(jax.random.key(0), 3)
    targets = jax.nn.one_hot(jax.random.randint(keys[2], (16,), 0, 4), 4)
    return jax.random.normal(keys[0], (4, 7)), jax.random.normal(keys[1], (16, 7)), targets


def test_the_right_gradient_passes(problem):
    comparison = compare(softmax_loss, softmax_gradient, *problem)
    assert comparison.passes
    assert comparison.cosine == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda g, w, x, y: -g,
        lambda g, w, x, y: g * len(x),
        lambda g, w, x, y: g / 2,
        lambda g, w, x, y: g + 2e-3 * w,
        lambda g, w, x, y: g.at[3, 6].mul(1.001),
        lambda g, w, x, y: g.at[0, 0].set(jnp.nan),
        lambda g, w, x, y: g.at[0, 0].set(jnp.inf),
        lambda g, w, x, y: jnp.zeros_like(g),
        lambda g, w, x, y: softmax_gradient(w, x, jnp.roll(y, 1, axis=1)),
    ],
)
def test_a_wrong_gradient_does_not(problem, mistake):
    def wrong(*arguments):
        return mistake(softmax_gradient(*arguments), *arguments)

    assert not compare(softmax_loss, wrong, *problem).passes


def test_the_worst_coordinate_is_named(problem):
    def wrong(*arguments):
        return softmax_gradient(*arguments).at[2, 5].add(1.0)

    comparison = compare(softmax_loss, wrong, *problem)
    assert comparison.worst == (2, 5)
    assert comparison.analytic - comparison.autodiff == pytest.approx(1, rel=1e-5)


def test_the_cosine_of_nothing_with_something_is_no_number(problem):
    comparison = compare(softmax_loss, lambda w, x, y: 0 * w, *problem)
    assert np.isnan(comparison.cosine)


def test_autodiff_that_is_nan_does_not_pass():
    def saturated(w):  # 0 * log 0, the trap that losses from logits avoid
        return jnp.sum(0 * jnp.log(jax.nn.sigmoid(w)))

    assert not compare(saturated, jnp.zeros_like, jnp.full(3, -1e4)).passes


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"float32\[1, 3\].*float32\[3\]"):
        compare(jnp.sum, lambda w: jnp.ones((1, 3)), jnp.ones(3))


def test_the_tolerance_does_not_grow_with_the_size(problem):
    weights, inputs, targets = problem
    wide = jnp.tile(inputs, (1, 100)), jnp.tile(weights, (1, 100)) / 100
    small = compare(softmax_loss, softmax_gradient, weights, inputs, targets)
    large = compare(softmax_loss, softmax_gradient, wide[1], wide[0], targets)
    assert small.tolerance == large.tolerance == tolerance(np.float32) < 2e-5
    assert large.passes
