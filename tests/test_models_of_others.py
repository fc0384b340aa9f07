"""Models of users: pytrees of weights, random initial weights, functions that close over arrays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sampling import sampled

from mnist_jax.data import Split
from mnist_jax.features import append_bias
from mnist_jax.gradcheck import check
from mnist_jax.models import Model, objective, softmax_regression
from mnist_jax.sweeps import Grid, sweep
from mnist_jax.sweeps.memory import need
from mnist_jax.training import (
    Gradient,
    Outcome,
    Precision,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    shuffled,
)
from mnist_jax.training.tuning import CPU

RNG = np.random.default_rng(5)
FEATURES = RNG.normal(size=(60, 4))
# the sign of a product is not linearly separable
LABELS = (FEATURES[:, 0] * FEATURES[:, 1] > 0).astype(int)
SPLIT = Split.of(FEATURES[:40], LABELS[:40], FEATURES[40:], LABELS[40:])
SETTINGS = TrainingSettings(epochs=2, batch_size=10, inputs=append_bias)
HIDDEN = 8


def init(key: jax.Array, num_inputs: int, dtype: Any) -> dict[str, jax.Array]:
    first, second = jax.random.split(key)
    return {
        "hidden": jax.random.normal(first, (HIDDEN, num_inputs), dtype),
        "output": jax.random.normal(second, (2, HIDDEN), dtype),
    }


def forward(weights: dict[str, jax.Array], inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
    hidden = jnp.tanh(inputs @ weights["hidden"].T)
    return hidden, hidden @ weights["output"].T


def loss(weights: dict[str, jax.Array], inputs: jax.Array, targets: jax.Array) -> jax.Array:
    _, logits = forward(weights, inputs)
    return -jnp.sum(targets * jax.nn.log_softmax(logits)) / len(inputs)


def gradient(
    weights: dict[str, jax.Array], inputs: jax.Array, targets: jax.Array, l2: jax.Array
) -> dict[str, jax.Array]:
    hidden, logits = forward(weights, inputs)
    at_output = (jax.nn.softmax(logits) - targets) / len(inputs)
    at_hidden = at_output @ weights["output"] * (1 - hidden**2)
    return {
        "hidden": at_hidden.T @ inputs + 2 * l2 * weights["hidden"],
        "output": at_output.T @ hidden + 2 * l2 * weights["output"],
    }


def predict(weights: dict[str, jax.Array], inputs: jax.Array) -> jax.Array:
    return jnp.argmax(forward(weights, inputs)[1], axis=1).astype(jnp.int32)


network = Model(init, softmax_regression(2).targets, loss, gradient, predict, num_classes=2)


def plain_network(seed: int, rate: float, l2: float, steps: int) -> dict[str, np.ndarray]:
    """The same network in NumPy, trained in file order in double precision."""
    with jax.enable_x64(True):
        start = init(jax.random.key(seed), 5, np.float64)
    weights = {name: np.array(leaf) for name, leaf in start.items()}
    for step in range(steps):
        rows = slice(10 * (step % 4), 10 * (step % 4) + 10)
        x, y = np.column_stack([FEATURES[rows], np.ones(10)]), np.eye(2)[LABELS[rows]]
        hidden = np.tanh(x @ weights["hidden"].T)
        exponentials = np.exp(hidden @ weights["output"].T)
        error = (exponentials / exponentials.sum(1, keepdims=True) - y) / 10
        back = (error @ weights["output"]) * (1 - hidden**2)
        weights["hidden"] -= rate * (back.T @ x + 2 * l2 * weights["hidden"])
        weights["output"] -= rate * (error.T @ hidden + 2 * l2 * weights["output"])
    return weights


@pytest.fixture
def usual_promotion() -> Iterator[None]:
    """JAX's default promotion rules in every thread, instead of the strict ones."""
    jax.config.update("jax_numpy_dtype_promotion", "standard")
    jax.config.update("jax_numpy_rank_promotion", "allow")
    yield
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")


def test_the_gradient_by_hand_is_right():
    weights = init(jax.random.key(1), 4, jnp.float32)
    inputs = jnp.asarray(FEATURES[:8], jnp.float32)
    targets = jnp.eye(2)[LABELS[:8]]
    assert check(partial(objective, network), gradient, weights, inputs, targets, 0.1).passes


@pytest.mark.parametrize("by", ["analytic", "autodiff"])
def test_a_network_trains_as_numpy_does(by: Gradient):
    settings = replace(SETTINGS, precision="float64", gradient=by)
    values = hyperparameters([0.1, 0.5], [0.0, 0.02])
    result = fit(network, SPLIT, values, settings, seeds=[3])
    for run, (rate, l2) in enumerate([(0.1, 0.0), (0.5, 0.02)]):
        one = result.run(0, run)
        expected = plain_network(3, rate, l2, steps=8)
        assert one.outcome == Outcome.FINISHED
        for name, leaf in one.weights.items():
            assert_allclose(leaf, expected[name], rtol=1e-10, atol=1e-12)


def initial(result: TrainingResult) -> np.ndarray:
    """The initial weights of each order, of runs that do not learn."""
    return result.weights["hidden"][:, 0]


def test_the_seed_of_a_run_draws_its_initial_weights():
    still = hyperparameters(0.0, num_orders=3)
    by_order = initial(fit(network, SPLIT, still, SETTINGS, ordering=shuffled([4, 9, 4])))
    assert_array_equal(by_order[0], by_order[2])
    assert not np.array_equal(by_order[0], by_order[1])
    for order, seed in enumerate((4, 9)):
        expected = init(jax.random.key(seed), 5, jnp.float32)["hidden"]
        assert_array_equal(by_order[order], expected)
    given = fit(network, SPLIT, still, SETTINGS, ordering=shuffled([1, 2, 3]), seeds=[4, 9, 4])
    assert_array_equal(initial(given), by_order)
    alone = fit(network, SPLIT, hyperparameters(0.0), SETTINGS)
    assert_array_equal(initial(alone)[0], init(jax.random.key(0), 5, jnp.float32)["hidden"])


def test_a_sweep_varies_initial_weights_with_its_seeds():
    runs = sweep(network, SPLIT, Grid([0, 1, 2], [0.0]), SETTINGS)
    assert len(set(runs.final_validation_loss)) == 3


@pytest.mark.usefixtures("usual_promotion")
def test_a_network_learns_inseparable_classes():
    settings = replace(SETTINGS, epochs=150, optimizer=optax.adam)
    values = hyperparameters(0.03, num_orders=4)
    result = fit(network, SPLIT, values, settings, ordering=shuffled(range(4)))
    assert result.history.evaluations.train_accuracy[-1].max() > 0.95


def test_a_network_that_diverges_keeps_finite_weights():
    result = fit(network, SPLIT, hyperparameters([0.1, 1e38]), SETTINGS)
    assert result.outcome.tolist() == [[Outcome.FINISHED, Outcome.DIVERGED]]
    assert all(np.isfinite(leaf).all() for leaf in result.weights.values())


def test_memory_counts_every_leaf():
    needed = need(network, SPLIT, SETTINGS, 1, 1, CPU)
    assert needed.states + needed.collected > 4 * 7 * (HIDDEN * 4 + 2 * HIDDEN)


def test_weights_in_another_dtype_become_those_of_the_run():
    model = network._replace(init=lambda key, num_inputs, dtype: init(key, num_inputs, "float32"))
    result = fit(model, SPLIT, hyperparameters(0.1), replace(SETTINGS, precision="float64"))
    assert result.weights["output"].dtype == np.float64


def closures() -> tuple[Model, dict[str, Any]]:
    """A model and functions of the settings that close over 64-bit NumPy arrays."""
    mean, scale = FEATURES.mean(axis=0), FEATURES.std(axis=0)
    permutation = np.array([1, 0])  # int64
    powers = np.array([0.5, 0.25])  # float64
    classes = np.arange(2)

    @jax.jit
    def inputs(images: jax.Array, dtype_of: jax.Array) -> jax.Array:
        return ((images - mean) / scale).astype(dtype_of.dtype)

    @jax.jit
    def flipped(labels: jax.Array) -> jax.Array:  # its argument is int32 in both precisions
        return jnp.asarray(permutation)[labels]

    @jax.jit
    def weighed(count: jax.Array) -> jax.Array:
        return jnp.asarray(powers)[count % 2]

    def targets(labels: jax.Array, dtype: Any) -> jax.Array:
        return (flipped(labels)[:, None] == classes).astype(dtype)

    @jax.jit
    def closed_loss(weights: Any, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        return loss(weights, inputs, targets[:, permutation]) * powers.sum()

    def closed_gradient(weights: Any, inputs: jax.Array, targets: jax.Array, l2: Any) -> Any:
        return gradient(weights, inputs, targets[:, permutation], l2)

    @jax.jit
    def closed_predict(weights: Any, inputs: jax.Array) -> jax.Array:
        return jnp.asarray(permutation)[flipped(predict(weights, inputs))].astype(jnp.int32)

    def optimizer(rate: jax.Array) -> optax.GradientTransformation:
        return optax.sgd(lambda count: rate * weighed(count))

    def rounded_init(key: jax.Array, num_inputs: int, dtype: Any) -> dict[str, jax.Array]:
        return jax.tree.map(lambda leaf: leaf.astype(dtype), init(key, num_inputs, jnp.float32))

    functions = rounded_init, targets, closed_loss, closed_gradient, closed_predict
    normalised = lambda x, dtype: inputs(x, jnp.zeros((), dtype))
    return Model(*functions, num_classes=2), {"optimizer": optimizer, "inputs": normalised}


ORDERS = ("float32", "float64"), ("float64", "float32")
WAYS = product(("analytic", "autodiff"), ORDERS, (False, True))


@pytest.mark.usefixtures("usual_promotion")
@pytest.mark.parametrize(("by", "order", "own_x64"), sampled(WAYS, every=7))  # first and last
def test_functions_that_hold_numpy_arrays_train_in_both_precisions(
    order: tuple[Precision, Precision], own_x64: bool, by: Gradient
):
    model, given = closures()
    results = []
    for precision in (*order, order[0]):
        settings = TrainingSettings(2, 10, gradient=by, precision=precision, **given)

        def train(settings: TrainingSettings = settings) -> TrainingResult:
            with jax.enable_x64(own_x64):
                return fit(model, SPLIT, hyperparameters(0.1), settings)

        for result in (train(), ThreadPoolExecutor().submit(train).result()):
            assert {leaf.dtype.name for leaf in result.weights.values()} == {precision}
            results.append(result.weights["hidden"])
    for weights in results:
        assert_allclose(weights, results[0], rtol=1e-4, atol=1e-5)
