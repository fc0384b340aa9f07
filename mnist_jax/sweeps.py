"""The same training over many seeds, in blocks that fit in memory."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from mnist_jax.data import Split
from mnist_jax.errors import UsageError
from mnist_jax.models import Model
from mnist_jax.training import TrainingSettings, fit, hyperparameters, shuffled

SEEDS_AT_ONCE = 125
"""Each seed gathers its own batch: 125 of them take 50 MB of float32 inputs a step."""


class SweepResult(NamedTuple):
    """How the run of each seed ended.

    Attributes:
        seeds: The seeds.
        outcome: An `Outcome` each.
        last_step: The step at which the run ended.
        best_step: The step with the lowest validation loss.
    """

    seeds: Int[np.ndarray, " runs"]
    outcome: Int[np.ndarray, " runs"]
    last_step: Int[np.ndarray, " runs"]
    best_step: Int[np.ndarray, " runs"]


def sweep_seeds(
    model: Model,
    split: Split,
    seeds: Sequence[int],
    settings: TrainingSettings,
    *,
    learning_rate: float,
    l2: float = 0.0,
    on_runs: Callable[[int], None] = lambda runs_done: None,
) -> SweepResult:
    """Trains one shuffled run per seed.

    Args:
        model: The model to train.
        split: Training and validation examples.
        seeds: One for each run.
        settings: What all runs have in common.
        learning_rate: Of all runs.
        l2: Factor of the penalty, of all runs.
        on_runs: Called after every epoch with the number of runs done, a whole number of blocks.

    Returns:
        The result, in the order of the seeds.

    Raises:
        UsageError: If there are no seeds, or the settings don't fit the data.
    """
    if not len(seeds):
        raise UsageError("seeds is empty; give one seed for each run.")
    results, done = [], 0
    for block in np.array_split(np.asarray(seeds), -(-len(seeds) // SEEDS_AT_ONCE)):
        runs = hyperparameters(learning_rate, l2, num_orders=len(block))
        order = shuffled(jnp.asarray(block, jnp.int32))

        def on_epoch(epochs_done: int, runs_done: int = done) -> None:
            del epochs_done
            on_runs(runs_done)

        results.append(fit(model, split, runs, settings, ordering=order, on_epoch=on_epoch))
        done += len(block)
        on_runs(done)
    return SweepResult(
        seeds=np.asarray(seeds),
        outcome=np.concatenate([result.outcome[:, 0] for result in results]),
        last_step=np.concatenate([result.last_step[:, 0] for result in results]),
        best_step=np.concatenate([result.best_step[:, 0] for result in results]),
    )
