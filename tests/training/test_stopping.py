"""Early stopping: criteria compared with plain Python, training compared with the criteria."""

import json
import math
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.special import expit

from mnist_jax.data import Examples, Split
from mnist_jax.errors import UsageError
from mnist_jax.models import logistic
from mnist_jax.training import (
    Criterion,
    Lag,
    Never,
    Outcome,
    Patience,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    stopping_step,
)

TASK2 = json.loads((Path(__file__).parents[1] / "reference/task2_unshuffled.json").read_text())
LENGTH = 12

# few different values, so that ties are common
loss_values = st.sampled_from([0.0, 0.5, 1.0, 1.5, math.nan, math.inf, -math.inf])
loss_values |= st.floats(width=32, allow_subnormal=False)
loss_sequences = st.lists(loss_values, min_size=LENGTH, max_size=LENGTH)


def lag_stops_at(losses: list[float], evaluations: int) -> int | None:
    for now, loss in enumerate(losses):
        before = losses[now - evaluations] if now >= evaluations else math.inf
        if not loss < before:
            return now
    return None


def patience_stops_at(losses: list[float], evaluations: int) -> int | None:
    best_loss, best = math.inf, -1
    for now, loss in enumerate(losses):
        if loss < best_loss:
            best_loss, best = loss, now
        if now - best >= evaluations:
            return now
    return None


@pytest.mark.parametrize("evaluations", [1, 2, 5])
@hypothesis.settings(max_examples=20)  # each is traced twice
@hypothesis.given(losses=loss_sequences)
def test_criteria_stop_where_plain_python_does(losses: list[float], evaluations: int):
    steps = range(0, 5 * LENGTH, 5)
    for criterion, plain in ((Lag, lag_stops_at), (Patience, patience_stops_at)):
        stop = plain(losses, evaluations)
        expected = None if stop is None else 5 * stop
        assert stopping_step(criterion(evaluations), losses, steps) == expected


@pytest.mark.parametrize(
    ("criterion", "losses", "expected"),
    [
        (Lag(1), [3.0, 2.0, 2.0, 1.0], 20),  # a tie is not below
        (Lag(2), [3.0, 1.0, 2.0, 0.5, 1.9], None),
        (Lag(2), [3.0, 1.0, 2.0, 1.5], 30),
        (Patience(2), [3.0, 1.0, 2.0, 0.5, 1.9], None),
        (Patience(2), [3.0, 1.0, 1.0, 1.0, 0.5], 30),
        (Patience(3), [3.0, math.nan, math.nan, math.nan], 30),
        (Lag(3), [math.nan], 0),
        (Never(), [1.0, 2.0, math.nan], None),
        (Lag(10), [], None),
    ],
)
def test_known_stops(criterion: Criterion, losses: list[float], expected: int | None):
    assert stopping_step(criterion, losses, range(0, 10 * len(losses), 10)) == expected


@pytest.mark.parametrize(("criterion", "expected"), [(Lag(), 75), (Patience(), 840)])
def test_stops_of_task_2(criterion: Criterion, expected: int):
    history = TASK2["history"]
    assert stopping_step(criterion, history["validation_loss"], history["step"]) == expected


@pytest.mark.parametrize("criterion", [Lag, Patience])
@pytest.mark.parametrize("evaluations", [0, -1])
def test_a_criterion_needs_an_evaluation(criterion: type[Lag | Patience], evaluations: int):
    with pytest.raises(UsageError, match=f"evaluations={evaluations}"):
        criterion(evaluations)


# Half of the validation labels differ from the training labels, so the loss falls and then rises.
RNG = np.random.default_rng(2)
PIXELS = RNG.integers(0, 256, (40, 6), dtype=np.uint8)
LABELS = RNG.integers(0, 2, (2, 40), dtype=np.int32)
LABELS[1, :20] = LABELS[0, :20]
SPLIT = Split(Examples(PIXELS, LABELS[0]), Examples(PIXELS, LABELS[1]))
RATES = [0.1, 0.3, 2.0]  # they stop at different steps


def train(criterion: Criterion) -> TrainingResult:
    settings = TrainingSettings(
        epochs=30, batch_size=9, evaluate_every=3, criterion=criterion, precision="float64"
    )
    return fit(logistic, SPLIT, hyperparameters(RATES), settings)


def weights_after(steps: int, learning_rate: float) -> np.ndarray:
    """Plain logistic regression with four batches of nine an epoch."""
    inputs = np.concatenate([PIXELS / 127.5 - 1, np.ones((40, 1))], axis=1)
    weights = np.zeros(7)
    for step in range(steps):
        rows = slice(9 * (step % 4), 9 * (step % 4) + 9)
        error = LABELS[0, rows] - expit(inputs[rows] @ weights)
        weights += learning_rate * error @ inputs[rows] / 9
    return weights


@pytest.fixture(scope="module")
def full_run() -> TrainingResult:
    return train(Never())


def test_a_run_without_criterion_continues_to_its_last_step(full_run: TrainingResult):
    assert full_run.outcome.tolist() == [[Outcome.FINISHED] * len(RATES)]
    assert full_run.last_step.tolist() == [[4 * 30 - 1] * len(RATES)]


@pytest.mark.parametrize("criterion", [Lag(3), Patience(3), Patience(12), Lag(2)])
def test_training_stops_at_the_step_of_the_criterion(
    criterion: Criterion, full_run: TrainingResult
):
    stopped = train(criterion)
    steps = full_run.history.evaluation_steps
    expected = [
        stopping_step(criterion, losses, steps)
        for losses in full_run.history.evaluations.validation_loss[:, 0].T
    ]
    assert None not in expected
    assert len(set(expected)) > 1  # some stop while others continue
    assert stopped.last_step.tolist() == [expected]
    assert stopped.outcome.tolist() == [[Outcome.STOPPED_EARLY] * len(RATES)]


@pytest.mark.parametrize("criterion", [Lag(3), Patience(12), Never()])
@pytest.mark.parametrize("run", range(len(RATES)))
def test_weights_are_those_of_the_last_step_and_of_the_lowest_loss(criterion: Criterion, run: int):
    result = train(criterion).run(0, run)
    seen = result.history.evaluation_steps <= result.last_step
    losses = result.history.evaluations.validation_loss[: np.count_nonzero(seen)]
    best_step = result.history.evaluation_steps[np.argmin(losses)]
    assert result.best_step == best_step
    for weights, step in ((result.weights, result.last_step), (result.best_weights, best_step)):
        expected = weights_after(int(step) + 1, RATES[run])
        np.testing.assert_allclose(weights, expected, rtol=1e-11, atol=1e-13)


def columns(result: TrainingResult) -> list[tuple[np.ndarray, np.ndarray]]:
    """The steps and the values of everything in a run's history."""
    history = result.history
    evaluated = [(history.evaluation_steps, values) for values in history.evaluations]
    return [(np.arange(len(history.train_loss)), history.train_loss), *evaluated]


@pytest.mark.parametrize("run", range(len(RATES)))
def test_a_stopped_run_has_the_history_of_the_full_run_until_then(
    run: int, full_run: TrainingResult
):
    stopped = train(Patience(3))
    last_step = stopped.last_step[0, run]
    for (steps, values), (_, of_full_run) in zip(
        columns(stopped.run(0, run)), columns(full_run.run(0, run)), strict=True
    ):
        expected = np.where(steps <= last_step, of_full_run[: len(steps)], np.nan)
        np.testing.assert_allclose(values, expected, rtol=1e-12)
