"""Sweeps: parts and blocks do not change a run, and the table has its results."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from mnist_jax.data import Examples, Mnist, Split, split
from mnist_jax.errors import UsageError
from mnist_jax.models import Model, logistic, softmax_regression
from mnist_jax.sweeps import Grid, good_part, memory, sweep
from mnist_jax.training import (
    Lag,
    Outcome,
    TrainingSettings,
    fit,
    hyperparameters,
    in_file_order,
    shuffled,
)
from mnist_jax.training.tuning import tuning

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 4), dtype=np.uint8)
EXAMPLES = Examples(PIXELS, (PIXELS[:, 0] > 127).astype(np.int32))
SPLIT = Split(EXAMPLES, EXAMPLES)
SETTINGS = TrainingSettings(epochs=20, batch_size=8, criterion=Lag(2))
# rates large enough that runs stop at different steps
GRID = Grid(seeds=[7, 1, 4], learning_rates=[5.0, 0.5], l2=[0.0, 0.01])


def test_the_reports_range_of_stopping_steps(mnist: Mnist):
    digits = split(mnist, digits=(2, 3))
    grid = Grid(range(300), [0.05])
    runs = sweep(logistic, digits, grid, TrainingSettings(criterion=Lag(10)))
    assert (runs.outcome == Outcome.STOPPED_EARLY).all()
    low, high = np.quantile(runs.last_step, (0.05, 0.95))
    assert 70 <= low < high <= 190
    assert (runs.last_step % 5 == 0).all()


@pytest.mark.parametrize("seeds", [GRID.seeds, None])
@pytest.mark.parametrize("model", [logistic, softmax_regression(2)])
def test_a_run_of_a_sweep_equals_the_same_run_alone(model: Model, seeds: list[int] | None):
    grid = GRID._replace(seeds=seeds)
    table = sweep(model, SPLIT, grid, SETTINGS)
    assert len(table) == grid.size
    expected_order = list(product(seeds or [-1], grid.learning_rates, grid.l2))
    assert table[["seed", "learning_rate", "l2"]].tolist() == expected_order
    for row, (seed, rate, l2) in zip(table, expected_order, strict=True):
        order = shuffled([seed]) if seeds else in_file_order
        alone = fit(model, SPLIT, hyperparameters(rate, l2), SETTINGS, ordering=order).run(0, 0)
        assert (row.outcome, row.last_step, row.best_step) == (
            *(alone.outcome, alone.last_step),
            alone.best_step,
        )
        history = alone.history
        best = np.searchsorted(history.evaluation_steps, alone.best_step)
        for name, values in history.evaluations._asdict().items():
            assert row[f"final_{name}"] == pytest.approx(values[-1], rel=1e-5)
            assert row[f"best_{name}"] == pytest.approx(values[best], rel=1e-5)


def test_seeds_differ():
    table = sweep(logistic, SPLIT, GRID, SETTINGS)
    first_pair = table[:: len(table) // 3]
    assert len({*first_pair["final_validation_loss"].tolist()}) == 3


@pytest.mark.parametrize("runs", [1, 3, 5, 100])
def test_parts_do_not_change_a_run(runs: int):
    whole = sweep(logistic, SPLIT, GRID, SETTINGS)
    done: list[int] = []
    in_parts = sweep(logistic, SPLIT, GRID, SETTINGS, runs_of_a_part=runs, on_runs=done.append)
    for name in whole.dtype.names or ():
        np.testing.assert_allclose(in_parts[name], whole[name], rtol=1e-5)
    assert done == sorted(done)
    assert done[-1] == GRID.size


def test_the_same_sweep_twice_is_the_same_to_the_last_bit():
    first, second = (sweep(logistic, SPLIT, GRID, SETTINGS, runs_of_a_part=4) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_curves_are_optional():
    runs = sweep(logistic, SPLIT, GRID, SETTINGS, runs_of_a_part=4, curves=True)
    assert runs["validation_loss"].shape == (len(runs), 100)  # one after every step
    for run in runs:
        for name in ("validation_loss", "validation_accuracy", "train_accuracy"):
            curve = run[name]
            assert curve[run.last_step] == np.float32(run[f"final_{name}"])
            assert curve[run.best_step] == np.float32(run[f"best_{name}"])
            assert np.isfinite(curve[: run.last_step + 1]).all()
            assert np.isnan(curve[run.last_step + 1 :]).all()


def test_a_run_that_diverges_at_once_has_no_best():
    grid = Grid([1], [3e38], [0.0])
    model = softmax_regression(2)
    [row] = sweep(model, SPLIT, grid, TrainingSettings(epochs=2, batch_size=8))
    assert (row.outcome, row.best_step) == (Outcome.DIVERGED, -1)
    assert np.isnan(row.best_validation_loss)


@pytest.mark.parametrize("seeds", [None, [1, 2, 3, 4, 5]])
@pytest.mark.parametrize("runs", [1, 2, 3, 7, 100])
def test_parts_hold_every_run_once_and_in_order(seeds: Any, runs: int):
    grid = Grid(seeds, [0.1, 0.2], [0.0, 1.0])
    parts = grid.parts(runs)
    assert all(part.size <= runs for part in parts)
    held = [(s, *pair) for part in parts for s in part.seeds or [None] for pair in part.pairs]
    assert held == list(product(seeds or [None], grid.learning_rates, grid.l2))


def test_a_part_fits_into_the_available_memory(monkeypatch):
    monkeypatch.setattr(memory, "largest_part", lambda: 256)
    monkeypatch.setattr(memory, "SHARE_OF_ACCELERATOR", memory.SHARE)
    assert good_part(logistic, SPLIT, SETTINGS) == 256  # tiny runs
    models = logistic, softmax_regression(10)
    ten, more = (memory.need(model, SPLIT, SETTINGS, 10, 1, tuning()).total for model in models)
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * ten)
    assert good_part(logistic, SPLIT, SETTINGS) == 10
    monkeypatch.setattr(memory, "available_memory", lambda: 0)
    assert good_part(logistic, SPLIT, SETTINGS) == 1
    assert more > ten


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (Grid([], [0.1], [0.0]), "seeds is empty"),
        (Grid([1], [], [0.0]), "learning_rate is empty"),
        (Grid([1], [0.1], []), "l2 is empty"),
        (Grid([1], [-0.1], [0.0]), "learning_rate is -0.1"),
        (Grid([1], [0.1], [float("nan")]), "l2 is nan"),
    ],
)
def test_an_invalid_grid_is_reported(grid: Grid, message: str):
    with pytest.raises(UsageError, match=message):
        sweep(logistic, SPLIT, grid, SETTINGS)
