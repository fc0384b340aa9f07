"""Tuning does not change results, and memory estimates fit the device."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from experiments.sweep import planning
from experiments.sweep.settings import SweepSettings
from mnist_jax.data import Examples, Split
from mnist_jax.models import logistic, softmax_regression
from mnist_jax.sweeps import memory
from mnist_jax.training import (
    Outcome,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    loop,
    shuffled,
)
from mnist_jax.training.plan import make_plan
from mnist_jax.training.settings import Schedule
from mnist_jax.training.tuning import CPU, GPU, TPU, Tuning

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 6), dtype=np.uint8)
EXAMPLES = Examples(PIXELS, (PIXELS[:, 0] > 127).astype(np.int32))
SPLIT = Split(EXAMPLES, EXAMPLES)
SETTINGS = TrainingSettings(epochs=5, batch_size=10, evaluate_every=3)


def fit_with(tuned: Tuning, monkeypatch, *arguments, **options) -> TrainingResult:
    monkeypatch.setattr(loop, "tuning", lambda devices: tuned)
    return fit(*arguments, **options)


def test_no_tuning_changes_a_result(monkeypatch):
    model, orders = softmax_regression(2), 3
    # with the larger penalty, weights overflow
    runs = hyperparameters([0.1, 0.3], [0.0, 1e30], num_orders=orders)
    options = {"ordering": shuffled(range(orders)), "orders_at_once": 2}
    results = [
        fit_with(tuned, monkeypatch, model, SPLIT, runs, SETTINGS, **options)
        for tuned in (CPU, replace(GPU, max_collected=1, predictions=7))
    ]
    assert (results[0].outcome == [Outcome.FINISHED, Outcome.DIVERGED]).all()
    for ours, theirs in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_divergence_found_at_the_end_of_a_program_is_repeated(monkeypatch):
    # a loss that never sees the weights stays finite when they don't
    model = logistic._replace(
        loss=lambda weights, inputs, targets: targets.sum() * 0 + 1,
        gradient=lambda weights, inputs, targets, l2: weights * -1e20 - 1,
    )
    results = [
        fit_with(tuned, monkeypatch, model, SPLIT, hyperparameters(1.0), SETTINGS)
        for tuned in (CPU, GPU)
    ]
    for result in results:
        assert result.outcome.item() == Outcome.DIVERGED
        assert np.isfinite(result.weights).all()
        assert result.last_step.item() == results[0].last_step.item() > 0


def test_programs_collect_at_most_the_allowed_weights():
    schedule = Schedule(steps_per_epoch=140, evaluate_every=28)
    periods = [make_plan(schedule, 50, runs, GPU).periods_at_once for runs in (1, 1000, 10_000)]
    assert periods == [36, 5, 1]
    assert make_plan(schedule, 50, 10_000, CPU).periods_at_once == 5


@pytest.mark.parametrize("tuned", [GPU, TPU])
def test_the_largest_number_of_runs_fits(tuned: Tuning):
    def needed(orders: int, runs: int) -> int:
        return memory.need(logistic, SPLIT, SETTINGS, orders, runs, tuned).total

    room = needed(1, 1000)
    most = memory.most_runs(logistic, SPLIT, SETTINGS, room, 10_000, tuned)
    assert 980 <= most <= 1000
    shared = memory.most_runs(logistic, SPLIT, SETTINGS, room, 10, tuned)
    assert shared % 10 == 0
    assert needed(shared // 10, 10) <= room
    assert memory.most_runs(logistic, SPLIT, SETTINGS, 0, 1, tuned) == 1


def test_a_part_on_an_accelerator_takes_most_of_its_memory(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(memory, "available_memory", lambda: 10**9)
    runs = memory.good_part(logistic, SPLIT, SETTINGS, pairs=100)
    taken = memory.need(logistic, SPLIT, SETTINGS, runs // 100, 100, GPU).total
    assert 0.85e9 < taken <= 0.9e9


def test_a_sweep_is_planned_for_a_device():
    settings = SweepSettings(
        plan="h100", model="logistic", seeds=30_000, l2=(0.0, 1.0), batch_size=10
    )
    plan = planning.make(settings, SPLIT)
    assert (plan.runs, plan.runs_of_a_part, plan.parts) == (60_000, 60_000, 1)
    assert 0 < plan.memory < plan.available < plan.device.memory
    assert plan.time.seconds > 0
    longer = planning.make(replace(settings, epochs=100), SPLIT)
    assert longer.time.seconds == pytest.approx(2 * plan.time.seconds, rel=0.05)
    two = planning.make(replace(settings, devices=2), SPLIT)
    assert two.time.seconds == pytest.approx(plan.time.seconds / 2)
    assert two.memory < plan.memory
