"""Schedules, plans, tiles and compiled products of a training."""

import re
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.data import Examples, Split
from mnist_jax.models import Model, logistic, softmax_regression
from mnist_jax.training import (
    Gradient,
    Schedule,
    TrainingSettings,
    hyperparameters,
    in_file_order,
    train_periods,
)
from mnist_jax.training.accuracy import (
    count_tiles,
    count_train_correct,
    cut_tiles,
    second_thread,
)
from mnist_jax.training.plan import Plan, make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.step import init_states
from mnist_jax.training.tuning import CPU


@pytest.mark.parametrize(
    ("settings", "num_examples", "expected"),
    [
        (TrainingSettings(), 3623, Schedule(28, 5)),
        (TrainingSettings(), 18_000, Schedule(140, 28)),
        (TrainingSettings(), 128, Schedule(1, 1)),
        (TrainingSettings(evaluate_every=1), 3623, Schedule(28, 1)),
        (TrainingSettings(evaluate_every=1000), 3623, Schedule(28, 1000)),
        (TrainingSettings(batch_size=1), 4, Schedule(4, 1)),
        (TrainingSettings(batch_size=1), 10, Schedule(10, 2)),
    ],
)
def test_schedule(settings: TrainingSettings, num_examples: int, expected: Schedule):
    assert settings.schedule(num_examples) == expected


@pytest.mark.parametrize(
    ("schedule", "epochs", "runs", "plan"),
    [
        (Schedule(28, 5), 50, 1, Plan(1400, 5, 36)),
        (Schedule(28, 5), 50, 64, Plan(1400, 5, 5)),
        (Schedule(140, 28), 50, 1, Plan(7000, 28, 36)),
        (Schedule(28, 1), 50, 1, Plan(1400, 1, 40)),
        (Schedule(28, 1000), 3, 1, Plan(84, 84, 2)),  # one evaluation, after step 0
    ],
)
def test_plans(schedule: Schedule, epochs: int, runs: int, plan: Plan):
    assert make_plan(schedule, epochs, runs) == plan


def test_tiles_hold_every_row_once():
    tiles = cut_tiles(jnp.arange(18_001), 2000, fill=-1)
    assert tiles.shape == (10, 1801)
    np.testing.assert_array_equal(tiles.ravel()[:18_001], np.arange(18_001))
    assert (tiles.ravel()[18_001:] == -1).all()


def test_padding_of_the_last_tile_is_not_counted():
    examples = 2 * CPU.tile + 2  # in three tiles, the last of which lacks two
    model = softmax_regression(2)
    weights = jnp.zeros((1, 1, 1, 2, 5))  # predict class 0 whatever the image
    images, labels = jnp.zeros((examples, 4), jnp.uint8), jnp.zeros(examples, jnp.int32)
    assert count_train_correct(model, weights, images, labels).tolist() == [[[examples]]]


def test_pending_counts_are_cancelled():
    started, done = threading.Event(), threading.Event()
    with second_thread() as executor:
        running = executor.submit(lambda: started.set() or done.wait(60))
        pending = executor.submit(lambda: None)
        assert started.wait(60)
        threading.Timer(0.1, done.set).start()
    assert running.result()
    assert pending.cancelled()


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="elsewhere products have other names")
@pytest.mark.parametrize("model", [logistic, softmax_regression(3)])
@pytest.mark.parametrize("gradient", ["analytic", "autodiff"])
def test_no_product_is_computed_twice(model: Model, gradient: Gradient):
    pixels = np.random.default_rng(0).integers(0, 256, (23, 4), dtype=np.uint8)
    examples = Examples(pixels, np.arange(23, dtype=np.int32) % 2)
    settings = TrainingSettings(epochs=3, batch_size=5, gradient=gradient)
    values = jax.tree.map(jnp.asarray, hyperparameters(0.1).rounded("float32"))
    data = device_data(model, settings, Split(examples, examples))
    states = init_states(model, settings, values, len(data.validation.inputs))
    rows = in_file_order(0, 23)[:, :20].reshape(4, 1, 1, 5)
    arguments = (model, settings, states, values, rows, data, 0, 4)
    # logits of the batch, gradient, logits of the validation set
    assert products(train_periods.lower(*arguments)) == 3
    counted = model, states.weights[None], data.images, data.labels
    assert products(count_tiles.lower(*counted)) == 1


def products(lowered: jax.stages.Lowered) -> int:
    return len(re.findall(r" dot\(", lowered.compile().as_text() or ""))
