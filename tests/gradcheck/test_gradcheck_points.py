"""Where gradients are compared: the points that are drawn, and those where autodiff has none."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from mnist_jax.gradcheck import check

rng = np.random.default_rng(0)
w = rng.normal(size=5)
# for mistakes, which are the same in both precisions
check64 = functools.partial(check, precisions=("float64",))


def said(report):
    return " | ".join(report.diagnosis)


def test_saturated_weights_do_not_hide_a_mistake():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 4))
    weights = 1e4 * rng.normal(size=4)
    targets = (inputs @ weights > 0).astype(float)

    def loss(w, x, y):
        return jnp.mean(jnp.logaddexp(0, x @ w) - y * (x @ w))

    def gradient(w, x, y):
        return (jax.nn.sigmoid(x @ w) - y) @ x / len(y)

    arguments = (weights, inputs, targets)
    assert not np.any(gradient(*arguments))
    assert check(loss, gradient, *arguments).passes
    half = check(loss, lambda *a: gradient(*a) / 2, *arguments)
    assert not half.passes
    assert "w: the gradient is 0.5 times autodiff's" in half.diagnosis[0]


def test_the_loss_need_not_be_finite_everywhere():
    report = check(lambda w: jnp.sum(jnp.log(w)), lambda w: 1 / w, jnp.array([1e-3, 1.0, 2.0]))
    assert report.passes
    assert not report.diagnosis


def test_infinity_in_a_mask():
    def attention(q):
        scores = jnp.where(jnp.eye(len(q), dtype=bool), -jnp.inf, q @ q.T)
        return jnp.sum(jax.nn.softmax(scores, axis=1) ** 2)

    assert check(attention, jax.grad(attention), rng.normal(size=(4, 2))).passes


@pytest.mark.parametrize(
    ("loss", "gradient", "at"),
    [
        (lambda x: jnp.linalg.norm(x) ** 2, lambda x: 2 * x, np.zeros(3)),
        (
            lambda x: jnp.sum(jnp.where(x < 1, x, jnp.sqrt(x))),
            lambda x: jnp.where(x < 1, 1.0, 0.5 / jnp.sqrt(jnp.where(x < 1, 1.0, x))),
            np.array([0.0, 0.3, 4.0]),
        ),
    ],
)
def test_where_autodiff_is_nan_the_values_decide(loss, gradient, at):
    report = check64(loss, gradient, at)
    assert report.passes
    assert "autodiff's gradient is not finite" in said(report)
    wrong = said(check64(loss, lambda x: 3 * gradient(x) + 1, at))
    assert "autodiff's gradient is not finite" in wrong
    assert "values of the loss agree with the hand-written" not in wrong


def test_a_matrix_that_is_symmetric_stays_so_unless_the_loss_symmetrises():
    A = rng.normal(size=(4, 4))  # noqa: N806
    covariance, d = A @ A.T + 2 * np.eye(4), rng.normal(size=4)

    def density(c, d):
        return -0.5 * (d @ jnp.linalg.solve(c, d) + jnp.linalg.slogdet(c)[1])

    def gradient(c, d):
        inverse = jnp.linalg.inv(c)
        return 0.5 * (jnp.outer(inverse @ d, inverse @ d) - inverse)

    assert check64(density, gradient, covariance, d).passes

    def log_determinant(a):
        return jnp.sum(jnp.log(jnp.diag(jnp.linalg.cholesky(a))))

    report = check64(log_determinant, lambda a: 0.5 * jnp.linalg.inv(a), covariance)
    assert "symmetric" in said(report)
    kept = check64(
        log_determinant, lambda a: 0.5 * jnp.linalg.inv(a), covariance,
        project=lambda a: (a + a.T) / 2,
    )  # fmt: skip
    assert kept.passes


def test_points_stay_on_the_side_of_zero_where_they_are_given():
    def deviance(rate, counts):
        return jnp.sum(rate - counts * jnp.log(jnp.where(rate > 0, rate, jnp.nan)))

    rates = np.array([1e-3, 0.1, 10.0, 1e4])
    report = check64(deviance, lambda r, y: 1 - y / r, rates, np.ones(4) * 2)
    assert report.passes
    assert not report.diagnosis


def test_points_of_the_user():
    branch = lambda w: jnp.sum(w**2)
    report = check64(branch, lambda w: jnp.where(w > 5, w, 2 * w), w, points=[np.full(5, 9.0)])
    assert "fails at points[0]" in said(report)


def test_a_branch_that_no_given_point_enters_is_entered():
    def loss(w):
        return jax.lax.cond(w[0] > 0, lambda w: jnp.sum(w**2), lambda w: jnp.sum(w**3), w)

    report = check64(loss, lambda w: 2 * w, np.array([0.5, -1.0, 2.0]))
    assert "fails at another branch" in said(report)
    unreachable = lambda w: jax.lax.cond(jnp.sum(w**2) < -1, jnp.sum, lambda w: jnp.sum(w**2), w)
    report = check64(unreachable, lambda w: 2 * w, np.array([0.5, -1.0, 2.0]))
    assert report.passes
    assert "no point enters 1 of the branches" in said(report)


def test_special_functions_near_a_root():
    assert check(
        lambda x: jnp.sum(jax.scipy.special.gammaln(x)),
        lambda x: scipy.special.digamma(np.asarray(x)),
        np.array([1.4616, 1.4620, 1.45, 3.0]),
        points=1,
    ).passes
