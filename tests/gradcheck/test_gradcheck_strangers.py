"""Losses and gradients as people hold them: closures, NumPy, pandas, keys, logs with an epsilon."""

import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import check

pytestmark = pytest.mark.usefixtures("quick_compilation", "promotion")

rng = np.random.default_rng(0)
X, Y, LABELS = rng.normal(size=(20, 5)), rng.normal(size=20), rng.integers(0, 3, 20)
w, matrix = rng.normal(size=5), rng.normal(size=(3, 5))
# for mistakes, which are the same in both precisions
check64 = functools.partial(check, precisions=("float64",))


def said(report):
    return " | ".join(report.diagnosis)


def mse(w):
    return jnp.mean((X @ w - Y) ** 2)


def mse_gradient(w):
    return 2 * X.T @ (X @ w - Y) / len(Y)


def cross_entropy(weights):
    return -jnp.mean(jax.nn.log_softmax(X @ weights.T)[jnp.arange(len(LABELS)), LABELS])


def cross_entropy_gradient(weights):
    exps = np.exp(X @ np.asarray(weights).T)
    residual = exps / exps.sum(axis=1, keepdims=True) - np.eye(3)[LABELS]
    return residual.T @ X / len(LABELS)


class Model:
    def __init__(self):
        self.inputs = X

    def loss(self, w):
        return jnp.mean((self.inputs @ w - Y) ** 2)

    def __call__(self, w):
        return self.loss(w)


def of_data(inputs, targets, w):
    return jnp.mean((inputs @ w - targets) ** 2)


CLOSURES = {
    "over NumPy": mse,
    "jitted": jax.jit(lambda w: jnp.mean((X @ w - Y) ** 2)),
    "a bound method": Model().loss,
    "a callable object": Model(),
    "a partial": functools.partial(of_data, X, Y),
    "over arrays of JAX": functools.partial(of_data, jnp.asarray(X, "float32"), jnp.asarray(Y)),
}


@pytest.mark.parametrize("name", CLOSURES)
@pytest.mark.parametrize("used_before", [False, True])
def test_closures_work_in_both_precisions(name, used_before):
    loss = CLOSURES[name]
    if used_before:
        jax.jit(jax.grad(loss))(w)
    if name == "over arrays of JAX":
        held = np.asarray(loss.args[0], np.float64), np.asarray(loss.args[1], np.float64)
        gradient = lambda w: 2 * held[0].T @ (held[0] @ np.asarray(w) - held[1]) / 20
    else:
        gradient = mse_gradient
    with jax.numpy_dtype_promotion("standard"):
        assert check(loss, gradient, w).passes
        assert jax.jit(jax.grad(loss))(w.astype("float32")).dtype == "float32"  # still works


def test_labels_in_a_closure_in_another_thread():
    found = []
    jax.jit(cross_entropy)(matrix)
    thread = threading.Thread(
        target=lambda: found.append(check(cross_entropy, cross_entropy_gradient, matrix))
    )
    thread.start()
    thread.join()
    assert found[0].passes


def test_columns_of_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"x": X[:, 0], "y": Y})

    def loss(p):
        return jnp.sum((jnp.asarray(table["x"]) * p[0] + p[1] - jnp.asarray(table["y"])) ** 2)

    def gradient(p):
        residual = table["x"] * p[0] + p[1] - table["y"]
        return np.array([2 * (residual * table["x"]).sum(), 2 * residual.sum()])

    assert check(loss, gradient, [0.3, -0.2]).passes


@pytest.mark.parametrize("epsilon", [1e-12, 1e-8, 1e-5])
def test_an_epsilon_in_a_logarithm_hides_no_mistake(epsilon):
    def clipped(m):
        exps = jnp.exp(X @ m.T)
        p = exps / jnp.sum(exps, axis=1, keepdims=True)
        return -jnp.mean(jnp.log(p[jnp.arange(20), LABELS] + epsilon))

    for factor in (-1, 20):
        wrong = check64(clipped, lambda m, c=factor: c * cross_entropy_gradient(m), matrix)
        assert f"{factor} times" in said(wrong)
    exact = said(check64(clipped, cross_entropy_gradient, matrix))
    assert "right up to a relative" in exact
    assert "epsilon" in exact


def test_a_loss_of_numpy_is_judged_by_its_values():
    def loss(w):
        return float(np.sum((X @ np.asarray(w) - Y) ** 2))

    right = check(loss, lambda w: 2 * X.T @ (X @ w - Y), w)
    assert right.passes
    assert "the values of the loss alone" in said(right)
    wrong = check(loss, lambda w: X.T @ (X @ w - Y), w)
    assert "0.5 times what the values of the loss give" in said(wrong)


def test_several_arguments_and_a_value():
    def loss(w, b):
        return jnp.sum(w**2) + b**2

    assert check(loss, lambda w, b: (2 * w, 2 * b), w, 1.0, argnums=(0, 1)).passes
    with pytest.raises(UsageError, match=r"argnums=\(0, 1\)"):
        check(loss, lambda w, b: (2 * w, 2 * b), w, 1.0)
    square = lambda w: jnp.sum(w**2)
    assert check(square, lambda w: (jnp.sum(w**2), 2 * w), w, has_value=True).passes
    wrong = check(square, lambda w: (jnp.mean(w**2), 2 * w), w, has_value=True)
    assert "the value that the gradient returns is not the loss's" in said(wrong)
    with pytest.raises(UsageError, match="has_value=True"):
        check(square, lambda w: (jnp.sum(w**2), 2 * w), w)
    assert check(lambda w: (jnp.sum(w**2), {"a": w}), lambda w: 2 * w, w, has_aux=True).passes


@pytest.mark.parametrize(
    ("loss", "gradient", "static"),
    [
        (lambda w, n: jnp.sum(w**n), lambda w, n: n * w ** (n - 1), 3),
        (lambda w, n: jnp.sum(w[:n] ** 2), lambda w, n: jnp.where(jnp.arange(5) < n, 2 * w, 0), 3),
        (
            lambda w, flag: jnp.sum(w**2) if flag else jnp.sum(w),
            lambda w, flag: 2 * w if flag else jnp.ones_like(w),
            True,
        ),
        (
            lambda w, how: {"sum": jnp.sum, "mean": jnp.mean}[how](w**2),
            lambda w, how: 2 * w / {"sum": 1, "mean": len(w)}[how],
            "mean",
        ),
        (lambda w, f: jnp.sum(f(w)), lambda w, f: jax.vmap(jax.grad(f))(w), jnp.tanh),
        (lambda w, nothing: jnp.sum(w**2), lambda w, nothing: 2 * w, None),
    ],
)
def test_other_arguments_are_passed_through(loss, gradient, static):
    assert check(loss, gradient, w, static).passes


def test_numpy_gradients_may_change_their_own_arrays():
    def in_place(w):
        g = w.copy()
        g *= 2
        g[0] = 2 * w[0]
        return g

    buffer = np.zeros(5)

    def reused(w):
        np.multiply(2, w, out=buffer)
        return buffer

    square = lambda w: jnp.sum(w**2)
    assert check(square, in_place, w).passes
    assert check(square, reused, w).passes


def test_random_numbers_from_a_key_are_the_same_for_both():
    def mask(key, inputs):
        return jnp.where(jax.random.bernoulli(key, 0.5, inputs.shape), 2.0, 0.0)

    def loss(w, key):
        return jnp.mean(((X * mask(key, X)) @ w - Y) ** 2)

    def gradient(w, key):
        masked = X * mask(key, X)
        return (2 * masked.T @ (masked @ w - Y) / len(Y)).astype(w.dtype)

    key = jax.random.key(0)
    assert check(loss, gradient, w, key).passes
    assert not check64(loss, lambda w, k: gradient(w, jax.random.fold_in(k, 1)), w, key).passes


def test_float32_inside_is_said():
    inside = lambda w: jnp.sum(w.astype(jnp.float32) ** 2).astype(w.dtype)
    report = check(inside, lambda w: 2 * w, w)
    assert not report.passes
    assert "the loss computes in float32 inside" in said(report)
    counts = jnp.asarray(rng.poisson(2.0, 50), jnp.float32)
    features = jnp.asarray(rng.normal(size=(50, 3)), jnp.float32)

    def poisson(b):
        z = (
            features @ b.astype(features.dtype)
            if b.dtype == "float32"
            else features.astype(b.dtype) @ b
        )
        return jnp.sum(jnp.exp(z) - counts.astype(b.dtype) * z) + jnp.sum(
            jax.scipy.special.gammaln(counts + 1)
        ).astype(b.dtype)

    def gradient(b):
        f = features.astype(b.dtype)
        return f.T @ (jnp.exp(f @ b) - counts.astype(b.dtype))

    assert check(poisson, gradient, 0.3 * rng.normal(size=3)).passes
