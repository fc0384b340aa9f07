"""The verdict on a formula: proved different, equal, or not told, and why."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from formulas import formula, traced
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.controls.formulas import judge_mutation, judge_problem
from experiments.controls.mutations import MUTATIONS
from mnist_jax.gradcheck.formula import judge
from mnist_jax.gradcheck.formula.witness import values_slope
from mnist_jax.models import objective, softmax

RIGHT_OVER_THE_REALS = {"bfloat16", "float16"}
RNG = np.random.default_rng(0)
W, X = RNG.normal(size=(3, 5)), RNG.normal(size=(8, 5))
ONE_HOT = np.eye(3)[RNG.integers(0, 3, 8)]
SOFT = RNG.dirichlet(np.ones(3), 8)


def entropy(w, x, y):
    return objective(softmax, w, x, y, 0.1)


def residual(w, x, y):
    return (jax.nn.softmax(x @ w.T) - y).T @ x / len(x) + 2 * 0.1 * w


def test_a_right_gradient_is_equal_to_many_digits():
    found = formula(entropy, residual, W, X, ONE_HOT, more=[0 * W, 3 * W])
    assert (found.verdict, found.points, found.autodiff) == ("equal", 3, "right")
    assert found.digits > 30


@given(st.integers(1, 60), st.integers(0, 2), st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_any_error_is_proved_where_it_is(exponent, row, column):
    def wrong(w, x, y):
        return residual(w, x, y).at[row, column].multiply(1 + factor)

    factor = 10.0**-exponent if exponent < 14 else 0.0
    shift = 0.0 if factor else 10.0**-exponent

    def gradient(w, x, y):
        return wrong(w, x, y).at[row, column].add(shift)

    found = formula(entropy, gradient, W, X, ONE_HOT)
    if exponent < 30:
        assert (found.verdict, found.where) == ("different", (0, (row, column)))
        assert abs(exponent - found.digits) < 3
    else:
        assert found.verdict == "different" or found.digits >= 29


def test_constants_mean_what_is_written():
    cube = lambda w: jnp.sum(0.1 * w**3)
    assert formula(cube, lambda w: 3 * 0.1 * w**2, W).digits > 30
    assert formula(cube, lambda w: 0.3 * w**2, W).digits > 30
    third = formula(lambda w: jnp.sum(w**2) / 3, lambda w: w * (2 / 3), W)
    assert third.digits > 30
    normal = lambda w: jnp.sum(jax.scipy.stats.norm.cdf(w))
    density = formula(normal, lambda w: jnp.exp(-(w**2) / 2) / jnp.sqrt(2 * np.pi), W)
    assert density.digits > 30


def test_a_wrong_constant_is_proved():
    cube = lambda w: jnp.sum(0.1 * w**3)
    assert formula(cube, lambda w: 0.3000000000001 * w**2, W).verdict == "different"


def test_what_holds_up_to_the_rounding_of_data_is_equal():
    found = formula(entropy, residual, W, X, SOFT, more=[2 * W])
    assert found.verdict == "equal"
    assert 14 < found.digits < 20
    assert "digits of the data" in found.note
    symmetric = W[:, :3] + W[:, :3].T
    quadratic = lambda w, a: w @ (a / 7) @ w / 2
    assert formula(quadratic, lambda w, a: a @ w / 7, W[0, :3], symmetric).verdict == "equal"


def test_an_error_as_small_as_rounding_is_no_error_of_the_data():
    found = formula(entropy, lambda w, x, y: residual(w, x, y) + 1e-17 * w, W, X, ONE_HOT)
    assert found.verdict == "different"
    assert found.where is not None
    assert found.difference is not None
    assert float(found.difference) == pytest.approx(1e-17 * W[found.where[1]], rel=1e-5)


def test_saturated_logits_take_more_bits():
    for factor in (1e3, 1e4):
        assert formula(entropy, residual, factor * W, X, ONE_HOT).verdict == "equal"
    log = lambda w: jnp.log(1 - jax.nn.sigmoid(w))
    found = formula(log, lambda w: -jax.nn.sigmoid(w), 800.0)
    assert found.verdict == "equal"
    assert formula(log, lambda w: -jax.nn.sigmoid(w) / (1 + 1e-9), 800.0).verdict == "different"


def test_a_kink_is_not_told_and_a_tie_without_one_is():
    relu = lambda w: jnp.sum(jax.nn.relu(w))
    step = lambda w: jnp.where(w >= 0, 1.0, 0.0)
    at_zero = formula(relu, step, np.array([0.0, 1.0]))
    assert at_zero.verdict == "not told"
    assert "a kink" in at_zero.note
    beside = formula(relu, step, np.array([0.0, 1.0]), more=[np.array([0.5, -1.0])])
    assert (beside.verdict, beside.points) == ("equal", 1)
    # equal logits: the largest of them is no kink of the loss
    wrong = lambda w, x, y: residual(w, x, y) * 2
    assert formula(entropy, wrong, 0 * W, X, ONE_HOT).verdict == "different"


def test_the_values_judge_autodiff():
    stopped = lambda w: jnp.sum(w * jax.lax.stop_gradient(w))
    right = formula(stopped, lambda w: 2 * w, W)
    assert (right.verdict, right.autodiff) == ("equal", "wrong")
    agreeing = formula(stopped, lambda w: w, W)
    assert (agreeing.verdict, agreeing.autodiff) == ("different", "wrong")
    neither = formula(stopped, lambda w: 3 * w, W)
    assert (neither.verdict, neither.autodiff) == ("different", "wrong")

    @jax.custom_vjp
    def sine(w):
        return jnp.sin(w)

    sine.defvjp(lambda w: (jnp.sin(w), w), lambda w, c: (c * jnp.cos(w) * (1 + 1e-9),))
    assert formula(sine, jnp.cos, 0.3).autodiff == "wrong"


def test_slopes_of_values():
    point, direction = [np.array(0.7)], [np.array(2.0)]
    slopes = values_slope(traced(jnp.sin, *point), point, direction)
    assert float(slopes.central) == pytest.approx(2 * np.cos(0.7), rel=1e-15)
    kink = values_slope(traced(jnp.abs, 0.0), [np.array(0.0)], direction)
    assert (float(kink.ahead), float(kink.behind)) == (2.0, -2.0)


def test_what_is_not_told_says_why():
    eigen = lambda w: jnp.sum(jnp.linalg.eigvalsh(w))
    found = formula(eigen, lambda w: jnp.eye(3), W[:, :3] @ W[:, :3].T)
    assert found.verdict == "not told"
    assert "has no ball arithmetic" in found.note
    large = formula(lambda w: jnp.sum(w @ w), lambda w: 2 * w, np.ones((3000, 3000)), seconds=0.2)
    assert (large.verdict, large.note) == ("not told", "too large for 0.2 seconds")
    shapes = formula(jnp.sum, lambda w: jnp.ones(2), W)
    assert (shapes.verdict, shapes.note) == ("not told", "the gradients have other shapes")


def test_several_arrays():
    loss = lambda b, w: jnp.sum(jnp.sin(b) * w)
    arguments = [np.array([[0.3, 0.1]]), np.array([[0.5, 0.7]])]
    theirs = traced(jax.grad(loss, (0, 1)), *arguments)
    ours = traced(lambda b, w: (w * jnp.cos(b), jnp.sin(b).at[0, 1].multiply(1.001)), *arguments)
    found = judge(theirs, ours, [arguments], loss=traced(loss, *arguments))
    assert (found.verdict, found.where) == ("different", (1, (0, 1)))
    assert found.autodiff == "right"


def test_all_wrong_gradients_are_proved():
    proofs = [judge_mutation(mutation.name) for mutation in MUTATIONS]
    equal = {proof.name for proof in proofs if proof.formula.verdict == "equal"}
    assert equal == RIGHT_OVER_THE_REALS
    assert {p.formula.verdict for p in proofs if p.name not in equal} == {"different"}


def test_right_problems_are_equal():
    assert {judge_problem(number, seed=1).verdict for number in range(20)} == {"equal"}


def test_what_numpy_makes_of_nothing_is_a_ball():
    # python-flint's methods crash on an integer, which NumPy's zeros of objects are
    def pooled(x):
        windows = ((1, 2, 2), (1, 2, 2), "VALID")
        return jnp.sum(jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, *windows) ** 2)

    def gradient(x):
        largest = jnp.max(x.reshape(1, 2, 2, 2, 2), axis=(2, 4), keepdims=True)
        return jnp.where(x.reshape(1, 2, 2, 2, 2) == largest, 2 * largest, 0.0).reshape(x.shape)

    x = np.arange(16.0).reshape(1, 4, 4) % 7
    assert formula(pooled, gradient, x).verdict == "equal"
    empty = lambda x: jnp.sum(x[3:]) + jnp.sum(x**2)
    assert formula(empty, lambda x: 2 * x, np.arange(3.0)).verdict == "equal"
