"""An interrupted training continues from its checkpoint to the same bits."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
from sampling import sampled

from mnist_jax.data import Examples, Split
from mnist_jax.models import logistic
from mnist_jax.training import (
    Checkpoint,
    Patience,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    shuffled,
)

RNG = np.random.default_rng(2)
PIXELS = RNG.integers(0, 256, (41, 6), dtype=np.uint8)
EXAMPLES = Examples(PIXELS, (PIXELS[:, 0] > 127).astype(np.int32))
SPLIT = Split(EXAMPLES, EXAMPLES)
SETTINGS = TrainingSettings(epochs=30, batch_size=4, criterion=Patience(20))
RUNS = hyperparameters([0.01, 2.0, 0.5], num_orders=5)


class CutError(Exception):
    pass


def train(
    checkpoint: Checkpoint | None = None, cut_at: int = 10**6, runs: Any = RUNS, **changes: Any
) -> tuple[TrainingResult, list[int]]:
    epochs: list[int] = []

    def on_epochs(done: int) -> None:
        epochs.append(done)
        if done >= cut_at:
            raise CutError

    settings = replace(SETTINGS, **changes)
    options: dict[str, Any] = {"orders_at_once": 2, "checkpoint": checkpoint}
    ordering = shuffled(range(5))
    result = fit(logistic, SPLIT, runs, settings, ordering=ordering, on_epochs=on_epochs, **options)
    return result, epochs


CHANGES: list[dict[str, Any]] = [{}, {"precision": "float64"}, {"gradient": "autodiff"}]


@pytest.mark.parametrize(("cut_at", "changes"), sampled(product([1, 13, 28], CHANGES), every=4))
def test_a_training_continues_from_its_checkpoint(
    cut_at: int, changes: dict[str, Any], tmp_path: Path
):
    def checkpoint() -> Checkpoint:
        return Checkpoint(tmp_path / "state.npz", seconds=0, report=pytest.fail)

    whole, every = train(**changes)
    with pytest.raises(CutError):
        train(checkpoint(), cut_at, **changes)
    result, epochs = train(checkpoint(), **changes)
    assert epochs == [done for done in every if done >= cut_at]
    for ours, theirs in zip(jax.tree.leaves(result), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_optimizer_state_is_restored(tmp_path: Path):
    def momentum(rate: Any) -> optax.GradientTransformation:
        return optax.sgd(rate, momentum=0.9)

    whole, _ = train(optimizer=momentum)
    with pytest.raises(CutError):
        train(Checkpoint(tmp_path / "state.npz", seconds=0), 7, optimizer=momentum)
    result, _ = train(Checkpoint(tmp_path / "state.npz"), optimizer=momentum)
    np.testing.assert_array_equal(result.weights, whole.weights)


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": hyperparameters([0.01, 2.0, 0.4], num_orders=5)},
        {"epochs": 31},
        {"batch_size": 5},
        {"criterion": Patience(21)},
    ],
)
def test_another_training_ignores_the_checkpoint(changes: dict[str, Any], tmp_path: Path):
    path, lines = tmp_path / "state.npz", list[str]()
    with pytest.raises(CutError):
        train(Checkpoint(path, seconds=0), 5)
    _, epochs = train(Checkpoint(path, report=lines.append), **changes)
    assert epochs[0] == 1  # from the beginning
    assert lines == [f"{path} belongs to another training; starting again"]


def test_a_damaged_file_is_reported_and_ignored(tmp_path: Path):
    path, lines = tmp_path / "state.npz", list[str]()
    with pytest.raises(CutError):
        train(Checkpoint(path, seconds=0), 5)
    path.write_bytes(path.read_bytes()[:-50])
    whole, _ = train()
    result, _ = train(Checkpoint(path, report=lines.append))
    np.testing.assert_array_equal(result.weights, whole.weights)
    assert [line.split(" (")[0] for line in lines] == [f"{path} is damaged"]


def test_it_is_written_after_some_time_or_on_request(tmp_path: Path):
    path = tmp_path / "state.npz"
    train(Checkpoint(path))
    assert not path.exists()
    checkpoint = Checkpoint(path, due=lambda: True)
    train(checkpoint)
    assert path.is_file()
    checkpoint.remove()
    assert [*tmp_path.iterdir()] == []
