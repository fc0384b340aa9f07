"""Properties of `fit` except its numbers: compilations, precision, callbacks, errors."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mnist_jax.data import Examples, Split
from mnist_jax.errors import UsageError
from mnist_jax.models import logistic, softmax_regression
from mnist_jax.training import (
    Lag,
    Outcome,
    Precision,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    in_file_order,
    shuffled,
    train_periods,
)
from mnist_jax.training.accuracy import count_tiles

PIXELS = np.random.default_rng(0).integers(0, 256, (23, 4), dtype=np.uint8)
EXAMPLES = Examples(PIXELS, (PIXELS[:, 0] > 127).astype(np.int32))
SPLIT = Split(EXAMPLES, EXAMPLES)
SETTINGS = TrainingSettings(epochs=3, batch_size=5)
RATE = hyperparameters(0.1)


@pytest.mark.parametrize("evaluate_every", [1, 3, 4, 5, 12, 100])
def test_evaluations_follow_the_global_step_across_epochs(evaluate_every: int):
    result = fit(logistic, SPLIT, RATE, replace(SETTINGS, evaluate_every=evaluate_every))
    steps = result.history.evaluation_steps
    assert steps.tolist() == list(range(0, 3 * 4, evaluate_every))
    assert result.history.train_loss.shape == (12, 1, 1)
    for values in result.history.evaluations:
        assert values.shape == (len(steps), 1, 1)
        assert np.isfinite(values).all()


def compilations(train: Callable[[], TrainingResult]) -> tuple[int, int]:
    # the type of jitted functions lacks the size of their cache
    programs: tuple[Any, Any] = train_periods, count_tiles
    before = [program._cache_size() for program in programs]
    train()
    trained, counted = (
        program._cache_size() - size for program, size in zip(programs, before, strict=True)
    )
    return trained, counted


def test_a_program_is_compiled_once_for_each_shape():
    # a new model, which no other test has compiled
    model = softmax_regression(2)._replace(init=lambda key, n, dtype: jnp.zeros((2, n), dtype))
    assert compilations(lambda: fit(model, SPLIT, RATE, SETTINGS)) == (1, 1)
    assert compilations(lambda: fit(model, SPLIT, hyperparameters(0.2, 0.5), SETTINGS)) == (0, 0)
    other_order = shuffled([7])
    assert compilations(lambda: fit(model, SPLIT, RATE, SETTINGS, ordering=other_order)) == (0, 0)
    two_runs = hyperparameters([0.1, 0.2])
    assert compilations(lambda: fit(model, SPLIT, two_runs, SETTINGS)) == (1, 1)
    smaller = replace(SETTINGS, batch_size=4)
    assert compilations(lambda: fit(model, SPLIT, RATE, smaller)) == (1, 1)
    assert compilations(lambda: fit(model, SPLIT, RATE, replace(smaller))) == (0, 0)


def test_the_number_of_epochs_is_not_compiled():
    model = softmax_regression(2)._replace(init=lambda key, n, dtype: jnp.zeros((2, n), dtype))
    fit(model, SPLIT, hyperparameters([0.1] * 20), SETTINGS)
    longer = replace(SETTINGS, epochs=6)
    many = hyperparameters([0.1] * 20)
    assert compilations(lambda: fit(model, SPLIT, many, longer)) == (0, 0)
    again = softmax_regression(num_classes=2)
    assert again is softmax_regression(2)


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_precision_is_that_of_the_settings_whatever_jaxs_own_flag(precision: Precision, x64: bool):
    with jax.enable_x64(x64):
        result = fit(logistic, SPLIT, RATE, replace(SETTINGS, precision=precision))
        assert jax.config.read("jax_enable_x64") == x64
    history = result.history
    floats = [result.weights, result.best_weights, history.train_loss, *history.evaluations]
    assert {array.dtype.name for array in floats} == {precision}
    assert isinstance(result.weights, np.ndarray)
    # no rounding to float32 on the way: 0.1 of the rate is already different
    rounded = result.weights.astype(np.float32).astype(precision)
    assert np.array_equal(rounded, result.weights) == (precision == "float32")


def test_an_adam_step_has_the_length_of_the_learning_rate():
    settings = TrainingSettings(epochs=1, batch_size=23, optimizer=optax.adam)
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam needs it
        result = fit(logistic, SPLIT, RATE, settings)
    np.testing.assert_allclose(np.abs(result.weights), 0.1, rtol=1e-5)


def test_progress_is_reported_up_to_the_last_epoch():
    epochs: list[int] = []
    settings = replace(SETTINGS, epochs=30)
    fit(logistic, SPLIT, RATE, settings, on_epochs=epochs.append)
    # forty evaluations of a single run at a time, one after each of the four steps of an epoch
    assert epochs == [10, 20, 30]
    epochs.clear()
    many = hyperparameters([0.1] * 20)
    fit(logistic, SPLIT, many, settings, on_epochs=epochs.append)
    assert epochs == list(range(1, 31))


def test_nothing_is_done_after_every_run_has_stopped():
    epochs: list[int] = []
    two_rates = hyperparameters([0.0, 0.1])  # without learning, the loss stays and the run stops
    settings = replace(SETTINGS, epochs=30, criterion=Lag(2))
    result = fit(logistic, SPLIT, two_rates, settings, on_epochs=epochs.append)
    assert epochs[-1] == 30
    assert result.outcome.tolist() == [[Outcome.STOPPED_EARLY, Outcome.FINISHED]]
    epochs.clear()
    result = fit(logistic, SPLIT, hyperparameters(0.0), settings, on_epochs=epochs.append)
    assert epochs == [10]
    assert result.last_step == len(result.history.train_loss) - 1 == 2
    assert result.history.evaluation_steps.tolist() == [0, 1, 2]


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_orders_that_have_ended_are_replaced_by_others(at_once: int):
    settings = replace(SETTINGS, epochs=40, criterion=Lag(2))
    orders = hyperparameters([3.0, 0.1], num_orders=5)  # the first ones stop soon, at other steps
    single = fit(logistic, SPLIT, orders, settings, ordering=shuffled(range(5)))
    assert len({*single.last_step[:, 0].tolist()}) > 1
    in_blocks = fit(
        *(logistic, SPLIT, orders, settings),
        ordering=shuffled(range(5)),
        orders_at_once=at_once,
    )
    np.testing.assert_array_equal(in_blocks.last_step, single.last_step)
    np.testing.assert_array_equal(in_blocks.outcome, single.outcome)
    np.testing.assert_allclose(in_blocks.weights, single.weights, rtol=1e-4, atol=1e-5)
    for blocks, expected in zip(
        (in_blocks.history.train_loss, *in_blocks.history.evaluations),
        (single.history.train_loss, *single.history.evaluations),
        strict=True,
    ):
        np.testing.assert_allclose(blocks, expected, rtol=1e-4, atol=1e-5)


def test_ctrl_c_gets_through_and_leaves_jaxs_flag_alone():
    def interrupt(epochs_done: int) -> None:
        raise KeyboardInterrupt

    double = replace(SETTINGS, precision="float64")
    with pytest.raises(KeyboardInterrupt):
        fit(logistic, SPLIT, RATE, double, on_epochs=interrupt)
    assert not jax.config.read("jax_enable_x64")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: softmax_regression(1), "num_classes is 1; give 2 or more"),
        (lambda: fit(logistic, SPLIT, RATE, SETTINGS, seeds=[1, 2]), "2 seeds, but 1 batch orders"),
        (lambda: TrainingSettings(epochs=0), "epochs is 0"),
        (lambda: TrainingSettings(epochs=-3), "epochs is -3"),
        (lambda: TrainingSettings(batch_size=0), "batch_size is 0"),
        (lambda: TrainingSettings(evaluate_every=0), "evaluate_every is 0"),
        (lambda: replace(SETTINGS, gradient="by hand"), "gradient is 'by hand'.*autodiff"),
        (lambda: replace(SETTINGS, precision="float16"), "precision is 'float16'.*float32"),
        (lambda: hyperparameters(-0.5), "learning_rate is -0.5"),
        (lambda: hyperparameters([0.1, math.nan]), "learning_rate is nan"),
        (lambda: hyperparameters(math.inf), "learning_rate is inf"),
        (lambda: hyperparameters(0.1, -2.0), "l2 is -2.0"),
        (lambda: hyperparameters(0.1, [0.0, math.nan]), "l2 is nan"),
        (lambda: hyperparameters(0.1, -math.inf), "l2 is -inf"),
        (lambda: fit(logistic, SPLIT, RATE, TrainingSettings(batch_size=24)), "24.* only 23"),
        (lambda: fit(logistic, SPLIT, hyperparameters(1e39), SETTINGS), "rate is 1e.39, too large"),
        (lambda: fit(logistic, SPLIT, hyperparameters(0.1, 1e39), SETTINGS), "l2 is 1e.39, too"),
    ],
)
def test_invalid_arguments_are_reported(make: Callable[[], Any], message: str):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("ordering", "shape"),
    [
        (shuffled(range(3)), (3, 23)),
        (in_file_order, (1, 23)),
        (lambda epoch, num_examples: np.zeros((2, 20), np.int32), (2, 20)),
    ],
)
def test_an_ordering_has_a_row_of_all_examples_for_each_order(ordering: Any, shape: tuple):
    with pytest.raises(UsageError, match=re.escape(str(shape))):
        fit(logistic, SPLIT, hyperparameters(0.1, num_orders=2), SETTINGS, ordering=ordering)


@pytest.mark.parametrize(
    ("rate", "l2", "num_orders", "shape"),
    [
        (0.1, 0.0, 1, (1, 1)),
        ([0.1, 0.2], 0.0, 1, (1, 2)),
        (0.1, [0.0, 1.0, 2.0], 1, (1, 3)),
        ([0.1, 0.2], [0.0, 1.0], 4, (4, 2)),
    ],
)
def test_every_order_has_the_same_runs(rate: Any, l2: Any, num_orders: int, shape: tuple[int, int]):
    for given, made in zip((rate, l2), hyperparameters(rate, l2, num_orders), strict=True):
        assert (made.shape, made.dtype) == (shape, np.float64)
        assert all(np.array_equal(row, np.broadcast_to(given, shape[1:])) for row in made)


@pytest.mark.parametrize("outcome", Outcome)
def test_the_message_of_an_outcome(outcome: Outcome):
    assert outcome.name.split("_")[0].lower() in outcome.message(75)
    assert outcome.message(75).endswith("at step 75")


def test_lengths_that_do_not_match_are_reported():
    with pytest.raises(UsageError, match="2 of learning_rate and 3 of l2"):
        hyperparameters([0.1, 0.2], l2=[0.0, 1.0, 2.0])


def test_without_the_training_accuracy_all_else_is_the_same(monkeypatch):
    whole = fit(logistic, SPLIT, RATE, SETTINGS)
    monkeypatch.setattr(
        "mnist_jax.training.blocks.count_train_correct", lambda *a, **o: pytest.fail("counted")
    )
    without = fit(logistic, SPLIT, RATE, replace(SETTINGS, train_accuracy=False))
    assert np.isnan(without.history.evaluations.train_accuracy).all()
    assert np.isfinite(whole.history.evaluations.train_accuracy).all()
    np.testing.assert_array_equal(without.weights, whole.weights)
    one, other = (run.history.evaluations.validation_loss for run in (whole, without))
    np.testing.assert_array_equal(one, other)
