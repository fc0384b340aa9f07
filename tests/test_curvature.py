"""The hand-derived second derivatives, against those of autodiff."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mnist_jax import curvature
from mnist_jax.models import Model, logistic, objective, softmax_regression

both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_model = pytest.mark.parametrize("name", ["logistic", "softmax3", "softmax10"])

models = {"logistic": logistic} | {f"softmax{k}": softmax_regression(k) for k in (3, 10)}
ROUNDING = 16  # in units of eps and of the terms that are averaged, whatever their number


class Problem(NamedTuple):
    """A random problem, (examples, inputs); a `logit_scale` of 1e3 saturates predictions."""

    shape: tuple[int, int]
    seed: int
    logit_scale: float
    l2: float

    def arrays(self, model: Model, dtype: str) -> tuple[jax.Array, ...]:
        """Weights, inputs, targets, and two directions."""
        rng = np.random.default_rng(self.seed)
        inputs = jnp.asarray(rng.uniform(-1, 1, self.shape), dtype)
        shape = model.init(jax.random.key(0), self.shape[1], jnp.float32).shape
        weights, *directions = rng.uniform(-1, 1, (3, *shape))
        labels = jnp.asarray(rng.integers(0, 2, self.shape[0]), "int32")
        targets = model.targets(labels, jnp.dtype(dtype))
        scaled = jnp.asarray(self.logit_scale * weights, dtype)
        return scaled, inputs, targets, *(jnp.asarray(u, dtype) for u in directions)


problems = st.builds(
    Problem,
    shape=st.sampled_from([(1, 1), (2, 7), (16, 3)]),  # each is compiled once
    seed=st.integers(0, 2**32),
    logit_scale=st.sampled_from([0.0, 0.1, 1.0, 10.0, 1e3]),
    l2=st.sampled_from([0.0, 1e-3, 2.0]),
)


@partial(jax.jit, static_argnums=0)
def hand_derived(name: str, weights, inputs, direction, l2) -> jax.Array:
    if name == "logistic":
        product = curvature.logistic_hessian_product(weights, inputs, direction)
        return product + 2 * l2 * direction
    return curvature.regularized_softmax_hessian_product(weights, inputs, direction, l2)


@partial(jax.jit, static_argnums=0)
def autodiff(name: str, weights, inputs, targets, direction, l2) -> jax.Array:
    slope = jax.grad(lambda weights: objective(models[name], weights, inputs, targets, l2))
    return jax.jvp(slope, (weights,), (direction,))[1]


@partial(jax.jit, static_argnums=0)
def hessian(name: str, weights, inputs, l2) -> jax.Array:
    """All products with a unit direction, as a square matrix."""
    units = jnp.eye(weights.size, dtype=weights.dtype).reshape(-1, *weights.shape)
    columns = jax.vmap(lambda unit: hand_derived(name, weights, inputs, unit, l2))(units)
    return columns.reshape(weights.size, weights.size)


def tolerance(weights, inputs, direction, l2: float) -> float:
    """What rounding may change in a mean of (change of p) x, where p inherits its logit's error."""
    weights, inputs, direction = np.abs(weights), np.abs(inputs), np.abs(direction)
    largest = (1 + np.max(inputs @ weights.T)) * np.max(inputs @ direction.T) * inputs.max()
    return ROUNDING * float(np.finfo(weights.dtype).eps * (largest + 2 * l2 * direction.max()))


@both_precisions
@every_model
@given(problem=problems)
def test_products_are_those_of_autodiff(problem: Problem, name: str, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        weights, inputs, targets, direction, _ = problem.arrays(models[name], dtype)
        measured = hand_derived(name, weights, inputs, direction, problem.l2)
        expected = autodiff(name, weights, inputs, targets, direction, problem.l2)
    assert measured.dtype == dtype
    atol = tolerance(weights, inputs, direction, problem.l2)
    np.testing.assert_allclose(measured, expected, rtol=0, atol=atol)


@both_precisions
@pytest.mark.parametrize("name", ["logistic", "softmax3"])
def test_the_whole_hessian_is_that_of_jax(name: str, dtype: str):
    problem = Problem((5, 2), seed=0, logit_scale=2.0, l2=0.1)
    with jax.enable_x64(dtype == "float64"):
        weights, inputs, targets, *_ = problem.arrays(models[name], dtype)
        measured = np.asarray(hessian(name, weights, inputs, 0.1))
        by_jax = jax.jit(jax.hessian(partial(objective, models[name])))
        expected = np.asarray(by_jax(weights, inputs, targets, 0.1))
    atol = tolerance(weights, inputs, np.ones_like(weights), 0.1)
    np.testing.assert_allclose(measured, expected.reshape(measured.shape), rtol=0, atol=atol)


@both_precisions
@every_model
@given(problem=problems)
def test_the_hessian_is_symmetric(problem: Problem, name: str, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        weights, inputs, _, u, v = problem.arrays(models[name], dtype)
        one, other = (
            jnp.vdot(left, hand_derived(name, weights, inputs, right, problem.l2))
            for left, right in ((u, v), (v, u))
        )
    atol = weights.size * tolerance(weights, inputs, np.ones_like(weights), problem.l2)
    np.testing.assert_allclose(one, other, rtol=0, atol=atol)


@every_model
@given(problem=problems)
def test_no_eigenvalue_is_below_twice_lambda(problem: Problem, name: str):
    with jax.enable_x64(True):
        weights, inputs, *_ = problem.arrays(models[name], "float64")
        eigenvalues = np.linalg.eigvalsh(hessian(name, weights, inputs, problem.l2))
    atol = weights.size * tolerance(weights, inputs, np.ones_like(weights), problem.l2)
    assert eigenvalues.min() >= 2 * problem.l2 - atol


@pytest.mark.parametrize("name", ["softmax3", "softmax10"])
@given(problem=problems)
def test_moving_all_classes_alike_meets_no_curvature(problem: Problem, name: str):
    with jax.enable_x64(True):
        weights, inputs, _, u, _ = problem.arrays(models[name], "float64")
        alike = jnp.broadcast_to(u[:1], u.shape)
        product = curvature.softmax_hessian_product(weights, inputs, alike)
    np.testing.assert_allclose(product, 0, atol=tolerance(weights, inputs, alike, 0))


@jax.jit
def jacobians(logits: jax.Array) -> tuple[jax.Array, jax.Array]:
    """By hand and by autodiff."""
    by_autodiff = jax.vmap(jax.jacobian(jax.nn.softmax))(logits.reshape(-1, logits.shape[-1]))
    by_hand = curvature.softmax_jacobian(logits)
    return by_hand, by_autodiff.reshape(by_hand.shape)


@both_precisions
@given(
    logits=st_numpy.arrays(
        np.float64,
        st.sampled_from([(1,), (4,), (2, 3), (2, 3, 4)]),  # each is compiled once
        elements=st.floats(-1e3, 1e3),
    )
)
def test_the_softmax_jacobian_is_that_of_autodiff(logits: np.ndarray, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        measured, expected = map(np.asarray, jacobians(jnp.asarray(logits, dtype)))
    assert measured.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(measured, expected, rtol=0, atol=4 * eps)
    np.testing.assert_allclose(measured, np.swapaxes(measured, -1, -2), rtol=0, atol=0)
    np.testing.assert_allclose(measured.sum(axis=-1), 0, atol=ROUNDING * eps)
