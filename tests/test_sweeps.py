"""Many shuffled runs, in blocks."""

import numpy as np
import pytest

from mnist_jax import sweeps
from mnist_jax.data import Examples, Mnist, Split, split
from mnist_jax.errors import UsageError
from mnist_jax.models import logistic
from mnist_jax.sweeps import sweep_seeds
from mnist_jax.training import Lag, Outcome, TrainingSettings

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 4), dtype=np.uint8)
EXAMPLES = Examples(PIXELS, (PIXELS[:, 0] > 127).astype(np.int32))
SPLIT = Split(EXAMPLES, EXAMPLES)


def test_the_reports_range_of_stopping_steps(mnist: Mnist):
    digits = split(mnist, digits=(2, 3))
    settings = TrainingSettings(criterion=Lag(10))
    result = sweep_seeds(logistic, digits, range(1000), settings, learning_rate=0.05)
    assert (result.outcome == Outcome.STOPPED_EARLY).all()
    low, high = np.quantile(result.last_step, (0.05, 0.95))
    assert 70 <= low < high <= 190
    assert (result.last_step % 5 == 0).all()


def test_blocks_make_no_difference(monkeypatch):
    settings = TrainingSettings(epochs=20, batch_size=8, criterion=Lag(2))
    done: list[int] = []

    def sweep() -> sweeps.SweepResult:
        rate = 5.0  # large enough that runs stop at different steps
        return sweep_seeds(
            logistic, SPLIT, [7, 1, 4, 2, 9], settings, learning_rate=rate, on_runs=done.append
        )

    whole = sweep()
    assert len({*whole.last_step.tolist()}) > 1
    assert done[-1] == 5
    done.clear()
    monkeypatch.setattr(sweeps, "SEEDS_AT_ONCE", 2)
    for expected, actual in zip(whole, sweep(), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert {*done} == {0, 2, 4, 5}


def test_no_seeds_is_a_usage_error():
    with pytest.raises(UsageError, match="seeds"):
        sweep_seeds(logistic, SPLIT, [], TrainingSettings(), learning_rate=0.1)
