"""The hand-derived gradients, against autodiff of the losses and numbers worked by hand."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from mnist_jax.models import Model, logistic, objective, softmax_regression

both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])
models = {"logistic": logistic} | {f"softmax{k}": softmax_regression(k) for k in (2, 3, 10)}
every_model = pytest.mark.parametrize("name", ["logistic", "softmax3", "softmax10"])

ROUNDING = 16  # in units of eps and of the terms that are averaged, whatever their number


class Problem(NamedTuple):
    """A random problem, (examples, inputs); a `logit_scale` of 1e4 saturates predictions."""

    shape: tuple[int, int]
    seed: int
    input_scale: float
    logit_scale: float
    l2: float

    def arrays(self, model: Model, dtype: str) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Weights, inputs and targets."""
        rng = np.random.default_rng(self.seed)
        inputs = self.input_scale * rng.normal(size=self.shape)
        weights = rng.normal(size=model.init(jax.random.key(0), self.shape[1], jnp.float32).shape)
        weights *= self.logit_scale / self.input_scale
        labels = rng.integers(0, len(weights) if weights.ndim > 1 else 2, self.shape[0])
        targets = model.targets(jnp.asarray(labels, "int32"), jnp.dtype(dtype))
        return jnp.asarray(weights, dtype), jnp.asarray(inputs, dtype), targets


problems = st.builds(
    Problem,
    shape=st.sampled_from([(1, 1), (2, 40), (32, 5)]),  # each is compiled once
    seed=st.integers(0, 2**32),
    input_scale=st.sampled_from([1e-3, 1.0, 1e3]),
    logit_scale=st.sampled_from([0.0, 0.1, 1.0, 10.0, 1e4]),
    l2=st.sampled_from([0.0, 1e-3, 2.0]),
)


@partial(jax.jit, static_argnums=0)
def hand_derived(model: Model, *arrays: jax.Array) -> jax.Array:
    return model.gradient(*arrays)


@partial(jax.jit, static_argnums=0)
def autodiff(model: Model, *arrays: jax.Array) -> jax.Array:
    return jax.grad(objective, argnums=1)(model, *arrays)


@partial(jax.jit, static_argnums=0)
def autodiff_of_loss(model: Model, *arrays: jax.Array) -> jax.Array:
    return jax.grad(model.loss)(*arrays)


def gradient(model: Model, *arrays: jax.Array, l2: float = 0.0) -> np.ndarray:
    return np.asarray(hand_derived(model, *arrays, jnp.asarray(l2, arrays[0].dtype)))


def tolerance(weights: ArrayLike, inputs: ArrayLike, l2: float = 0.0) -> float:
    """What rounding may change in a mean of (p - y) x, where p inherits the error of its logit."""
    weights, inputs = np.abs(weights), np.abs(inputs)
    largest = (1 + np.max(inputs @ weights.T)) * inputs.max() + 2 * l2 * weights.max()
    return ROUNDING * float(np.finfo(weights.dtype).eps * largest)


@pytest.mark.parametrize(
    ("name", "weights", "inputs", "targets", "expected"),
    [
        ("logistic", [0, 0], [[2, 1]], [1], [-1, -0.5]),
        ("logistic", [0, 0], [[2, 1], [4, -1]], [1, 0], [0.5, -0.5]),
        ("logistic", [np.log(3)], [[1]], [0], [0.75]),
        ("logistic", [1e4], [[1]], [0], [1]),
        ("logistic", [1e4], [[1]], [1], [0]),
        ("softmax2", [[0], [0]], [[2]], [[1, 0]], [[-1], [1]]),
        ("softmax2", [[0], [np.log(3)]], [[1], [1]], [[1, 0], [0, 1]], [[-0.25], [0.25]]),
        ("softmax3", [[1e4], [0], [0]], [[1]], [[0, 0, 1]], [[1], [0], [-1]]),
        ("softmax3", [[1e4], [0], [0]], [[1]], [[1, 0, 0]], [[0], [0], [0]]),
        ("softmax10", [[0]] * 10, [[1]], np.eye(10)[[3]], [[0.1]] * 3 + [[-0.9]] + [[0.1]] * 6),
    ],
)
def test_known_numbers(name: str, weights: list, inputs: list, targets: list, expected: list):
    arrays = [jnp.asarray(values, "float32") for values in (weights, inputs, targets)]
    np.testing.assert_allclose(gradient(models[name], *arrays), expected, rtol=1e-6, atol=1e-7)


@both_precisions
@every_model
@given(problem=problems)
def test_gradients_are_those_of_autodiff(problem: Problem, name: str, dtype: str):
    model, l2 = models[name], problem.l2
    with jax.enable_x64(dtype == "float64"):
        arrays = problem.arrays(model, dtype)
        by_hand = gradient(model, *arrays), gradient(model, *arrays, l2=l2)
        by_autodiff = autodiff_of_loss(model, *arrays), autodiff(model, *arrays, l2)
    atol = tolerance(*arrays[:2], l2)
    for measured, expected in zip(by_hand, by_autodiff, strict=True):
        assert measured.dtype == dtype
        np.testing.assert_allclose(measured, expected, rtol=0, atol=atol)


@both_precisions
@every_model
@given(problem=problems)
def test_the_penalty_adds_twice_lambda_times_the_weights(problem: Problem, name: str, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        weights, *examples = problem.arrays(models[name], dtype)
        without = gradient(models[name], weights, *examples)
        regularized = gradient(models[name], weights, *examples, l2=problem.l2)
    expected = without + 2 * problem.l2 * np.asarray(weights)
    atol = tolerance(weights, examples[0], problem.l2)
    np.testing.assert_allclose(regularized, expected, rtol=0, atol=atol)


@both_precisions
@pytest.mark.parametrize("name", ["softmax3", "softmax10"])
@given(problem=problems)
def test_the_softmax_gradient_sums_to_zero_over_the_classes(
    problem: Problem, name: str, dtype: str
):
    with jax.enable_x64(dtype == "float64"):
        weights, inputs, targets = problem.arrays(models[name], dtype)
        total = gradient(models[name], weights, inputs, targets).sum(axis=0)
    np.testing.assert_allclose(total, 0, atol=tolerance(np.zeros(weights.shape, dtype), inputs))


@both_precisions
@pytest.mark.parametrize("name", ["softmax3", "softmax10"])
@given(problem=problems)
def test_weights_added_to_all_classes_alike_change_nothing(problem: Problem, name: str, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        weights, inputs, targets = problem.arrays(models[name], dtype)
        shifted = weights + weights[:1]  # each example's logits by one constant
        measured, expected = (
            gradient(models[name], w, inputs, targets) for w in (shifted, weights)
        )
    np.testing.assert_allclose(measured, expected, rtol=0, atol=tolerance(shifted, inputs))


@every_model
@given(problem=problems)
def test_the_gradient_of_a_mean_ignores_copies_and_order(problem: Problem, name: str):
    with jax.enable_x64(True):
        weights, inputs, targets = problem.arrays(models[name], "float64")
        expected = gradient(models[name], weights, inputs, targets, l2=problem.l2)
        order = np.random.default_rng(problem.seed).permutation(problem.shape[0])
        atol = tolerance(weights, inputs, problem.l2)
        for rows in (order, np.concatenate([order, order])):
            measured = gradient(models[name], weights, inputs[rows], targets[rows], l2=problem.l2)
            np.testing.assert_allclose(measured, expected, rtol=0, atol=atol)


@given(problem=problems)
def test_softmax_of_two_classes_moves_apart_as_logistic_does(problem: Problem):
    with jax.enable_x64(True):
        weights, inputs, labels = problem.arrays(logistic, "float64")
        two_classes = jnp.stack([jnp.zeros_like(weights), weights])
        targets = jnp.stack([1 - labels, labels], axis=1)
        apart = gradient(models["softmax2"], two_classes, inputs, targets)
        expected = gradient(logistic, weights, inputs, labels)
    atol = tolerance(weights, inputs)
    np.testing.assert_allclose(apart, np.stack([-expected, expected]), rtol=0, atol=atol)


@every_model
def test_a_step_along_the_gradient_changes_the_objective_by_its_length(name: str):
    problem = Problem((32, 40), seed=0, input_scale=1.0, logit_scale=0.3, l2=0.1)
    with jax.enable_x64(True):
        weights, inputs, targets = problem.arrays(models[name], "float64")
        slope = gradient(models[name], weights, inputs, targets, l2=0.1)
        length = np.linalg.norm(slope)
        step = 1e-5 * slope / length
        after, before = (
            objective(models[name], moved, inputs, targets, 0.1)
            for moved in (weights + step, weights - step)
        )
        assert float(after - before) / 2e-5 == pytest.approx(length, rel=1e-8)
