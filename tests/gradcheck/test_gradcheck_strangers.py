"""Losses and gradients as people hold them: closures, NumPy, pandas, masks, branches, rules."""

import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import check

pytestmark = pytest.mark.usefixtures("quick_compilation")

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


def softmax(z, axis=1):
    exps = np.exp(z)
    return exps / exps.sum(axis, keepdims=True)


def cross_entropy_gradient(weights, labels=LABELS, axis=1):
    residual = softmax(X @ np.asarray(weights).T, axis) - np.eye(3)[labels]
    return residual.T @ X / len(labels)


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


MISTAKES = {
    "times autodiff's (the length of axis 0": lambda w: 20 * mse_gradient(w),
    "-1 times autodiff's: the sign is wrong": lambda w: -mse_gradient(w),
    "shifted by 1 along axis 0": lambda w: 2 * X.T @ (X @ w - np.roll(Y, 1)) / 20,
    "leaves out the last of the 20 rows": lambda w: 2 * X[:-1].T @ (X[:-1] @ w - Y[:-1]) / 20,
    "in the number that it is divided by": lambda w: 2 * X[:-1].T @ (X[:-1] @ w - Y[:-1]) / 19,
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_with_captured_data_is_named(words):
    assert words in said(check64(mse, MISTAKES[words], w))


def test_a_softmax_over_the_wrong_axis_is_named():
    report = check64(cross_entropy, lambda m: cross_entropy_gradient(m, axis=0), matrix)
    assert "takes the softmax over axis 0, the loss over axis 1" in said(report)


def test_labels_shifted_by_one_are_named():
    report = check64(cross_entropy, lambda m: cross_entropy_gradient(m, (LABELS + 1) % 3), matrix)
    assert "shifted by one" in said(report)


def test_the_derivative_by_the_logits_is_refused_with_a_hint():
    with pytest.raises(UsageError, match=r"float64\[20, 3\].*such as the logits"):
        check(cross_entropy, lambda m: softmax(X @ np.asarray(m).T) - np.eye(3)[LABELS], matrix)


def penalised(w, l2):
    return jnp.mean((X @ w - Y) ** 2) + l2 * jnp.sum(w**2)


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (lambda w, l2: 20 * mse_gradient(w) + 2 * l2 * w, "in the term of the loss that holds X"),
        (lambda w, l2: mse_gradient(w) + l2 * w, "lacks a term: 0.3 (l2) times w"),
        (lambda w, l2: mse_gradient(w), "lacks a term: 0.6 (twice l2) times w"),
    ],
)
def test_a_mistake_in_one_term_is_named(gradient, words):
    assert words in said(check64(penalised, gradient, w, 0.3))


def test_a_penalty_of_zero_does_not_hide_a_wrong_one():
    report = check64(penalised, lambda w, l2: mse_gradient(w) + l2 * w, w, 0.0)
    assert not report.passes
    assert "l2 = 0.1" in said(report)
    right = check64(penalised, lambda w, l2: mse_gradient(w) + 2 * l2 * w, w, 0.0)
    assert right.passes
    assert "also checked with l2 = 0.1" in said(right)


@pytest.mark.parametrize("weights", [np.ones(20), rng.uniform(0.2, 2, 20)])
def test_forgotten_weights_are_named_even_where_they_are_all_one(weights):
    report = check64(
        lambda w, s: jnp.sum(s * (X @ w - Y) ** 2), lambda w, s: 2 * X.T @ (X @ w - Y), w, weights
    )
    assert "forgets s" in said(report)


def test_a_forgotten_activation_is_named():
    def loss(params):
        return jnp.mean((jax.nn.relu(X @ params["w"]) @ params["v"] - Y) ** 2)

    def gradient(params):
        hidden = jax.nn.relu(X @ params["w"])
        residual = 2 * (hidden @ params["v"] - Y) / len(Y)
        return {"v": hidden.T @ residual, "w": X.T @ (residual[:, None] * params["v"][None])}

    report = check64(loss, gradient, {"v": rng.normal(size=4), "w": rng.normal(size=(5, 4))})
    assert report.diagnosis == ("params['w']: the gradient leaves out the derivative of relu",)


@pytest.mark.parametrize("epsilon", [1e-12, 1e-8, 1e-5])
def test_an_epsilon_in_a_logarithm_hides_no_mistake(epsilon):
    def clipped(m):
        exps = jnp.exp(X @ m.T)
        p = exps / jnp.sum(exps, axis=1, keepdims=True)
        return -jnp.mean(jnp.log(p[jnp.arange(20), LABELS] + epsilon))

    assert "-1 times" in said(check64(clipped, lambda m: -cross_entropy_gradient(m), matrix))
    assert "20 times" in said(check64(clipped, lambda m: 20 * cross_entropy_gradient(m), matrix))
    exact = said(check64(clipped, cross_entropy_gradient, matrix))
    assert "right up to a relative" in exact
    assert "epsilon" in exact


def test_one_wrong_coordinate_in_each_of_two_leaves():
    report = check64(
        lambda p: jnp.sum(jnp.sin(p["a"])) + jnp.sum(p["b"] ** 3),
        lambda p: {
            "a": jnp.cos(p["a"]).at[0, 0].multiply(1.001),
            "b": (3 * p["b"] ** 2).at[0].multiply(1.001),
        },
        {"a": rng.normal(size=(4, 3)), "b": rng.normal(size=5)},
    )
    assert report.diagnosis == (
        "p['a'][0, 0]: the gradient is 1.001 times autodiff's",
        "p['b'][0]: the gradient is 1.001 times autodiff's",
    )


def test_infinity_in_a_mask():
    def attention(q):
        scores = jnp.where(jnp.eye(len(q), dtype=bool), -jnp.inf, q @ q.T)
        return jnp.sum(jax.nn.softmax(scores, axis=1) ** 2)

    assert check(attention, jax.grad(attention), rng.normal(size=(4, 2))).passes


def test_a_loss_of_numpy_is_judged_by_its_values():
    def loss(w):
        return float(np.sum((X @ np.asarray(w) - Y) ** 2))

    right = check(loss, lambda w: 2 * X.T @ (X @ w - Y), w)
    assert right.passes
    assert "the values of the loss alone" in said(right)
    wrong = check(loss, lambda w: X.T @ (X @ w - Y), w)
    assert "0.5 times what the values of the loss give" in said(wrong)


def test_a_while_loop_is_judged_by_its_values():
    def root(w):
        step = lambda s: (0.5 * (s[0] + w / s[0]), s[1] + 1)
        return jnp.sum(jax.lax.while_loop(lambda s: s[1] < 20, step, (w, 0))[0])

    report = check(root, lambda w: 0.5 / jnp.sqrt(w), np.array([1.0, 2.0]))
    assert report.passes
    assert "reverse mode" in said(report)


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


def test_numpy_gradients_may_change_their_own_arrays_but_not_their_data():
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

    def changes_labels(w, y):
        y[0] += 1
        return 2 * np.asarray(w)

    labels = LABELS.copy()
    report = check(lambda w, y: jnp.sum(w**2), changes_labels, w, labels)
    assert "not a pure function" in said(report)
    np.testing.assert_array_equal(labels, LABELS)


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


def test_special_functions_near_a_root():
    assert check(
        lambda x: jnp.sum(jax.scipy.special.gammaln(x)),
        lambda x: scipy.special.digamma(np.asarray(x)),
        np.array([1.4616, 1.4620, 1.45, 3.0]),
        points=1,
    ).passes


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (np.ones(3, complex), "complex arguments are not checked"),
        (np.zeros(0), "which is empty"),
    ],
)
def test_what_cannot_be_checked_is_one_message(argument, message):
    with pytest.raises(UsageError, match=message):
        check(lambda w: jnp.sum(jnp.abs(w)), lambda w: w, argument)
