"""The training of a sweep, part by part."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np

from mnist_jax.data import Split
from mnist_jax.models import Model
from mnist_jax.sweeps.grid import Grid, Part
from mnist_jax.sweeps.memory import good_part
from mnist_jax.sweeps.table import table
from mnist_jax.training import (
    Checkpoint,
    Placement,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    in_file_order,
    shuffled,
)

RUNS_PER_PROGRAM = 32
"""Number of runs of one program on a CPU. Larger programs barely help and free fewer slots: with 64
runs, 1,000 runs that stop early take 0.96 times as long, with 128 they take 1.16 times as long (two
cores)."""


def sweep(
    model: Model,
    split: Split,
    grid: Grid,
    settings: TrainingSettings,
    *,
    runs_of_a_part: int | None = None,
    curves: bool = False,
    placement: Placement = Placement(),
    on_runs: Callable[[int], None] = lambda runs_done: None,
) -> np.recarray:
    """Trains every run of a grid.

    Args:
        model: Model to train.
        split: Training and validation examples.
        grid: Runs to train.
        settings: Settings of all runs.
        runs_of_a_part: Largest number of runs in a part; None for a size that fits this machine.
        curves: Whether the table contains every evaluation of every run.
        placement: Placement of the runs on devices.
        on_runs: Function called from time to time with the number of runs done.

    Returns:
        A table with a row for each run, sorted by seed: the fields of `COLUMNS` and, with `curves`,
        those of `curve_columns`.

    Raises:
        UsageError: If there are no runs, or the settings do not fit the data or the devices.

    Example:
        >>> from mnist_jax.data import Examples
        >>> from mnist_jax.models import logistic
        >>> examples = Examples(np.array([[0], [255]], np.uint8), np.array([0, 1], np.int32))
        >>> grid = Grid(seeds=[1, 2], learning_rates=[0.1, 0.5], l2=[0.0])
        >>> settings = TrainingSettings(epochs=3, batch_size=2)
        >>> runs = sweep(logistic, Split(examples, examples), grid, settings)
        >>> runs[["seed", "learning_rate", "last_step"]].tolist()
        [(1, 0.1, 2), (1, 0.5, 2), (2, 0.1, 2), (2, 0.5, 2)]
    """
    size = runs_of_a_part or good_part(model, split, settings, len(grid.all_runs.pairs))
    tables, done = [], 0
    for part in grid.parts(size):
        progress = partial(report_share, on_runs, done, part.size, settings.epochs)
        result = train_part(model, split, part, settings, placement=placement, on_epochs=progress)
        tables.append(table(part, result, settings.epochs if curves else None))
        done += part.size
        on_runs(done)
    return np.concatenate(tables).view(np.recarray)


def train_part(
    model: Model,
    split: Split,
    part: Part,
    settings: TrainingSettings,
    *,
    placement: Placement = Placement(),
    on_epochs: Callable[[int], None] = lambda epochs_done: None,
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Trains the runs of a part.

    Args:
        model: Model to train.
        split: Training and validation examples.
        part: Runs to train.
        settings: Settings of all runs.
        placement: Placement of the runs on devices.
        on_epochs: Function called with the number of epochs done, after every few epochs.
        checkpoint: File for the training state, from which an interrupted training continues.

    Returns:
        The result, with leading axes (seeds, pairs).

    Raises:
        UsageError: If the settings do not fit the data or the devices.
    """
    orders_at_once = None
    if jax.default_backend() == "cpu":
        orders_at_once = max(1, placement.count * RUNS_PER_PROGRAM // len(part.pairs))
    return fit(
        model,
        split,
        hyperparameters(*np.transpose(part.pairs), num_orders=part.orders),
        settings,
        ordering=in_file_order if part.seeds is None else shuffled(part.seeds),
        on_epochs=on_epochs,
        orders_at_once=orders_at_once,
        placement=placement,
        checkpoint=checkpoint,
    )


def report_share(
    on_runs: Callable[[int], None], done: int, size: int, epochs: int, epochs_done: int
) -> None:
    """Reports the progress of a part as a number of runs, in proportion to its epochs.

    Args:
        on_runs: Function that takes the number of runs done.
        done: Number of runs in finished parts.
        size: Number of runs in this part.
        epochs: Number of epochs of each run.
        epochs_done: Number of epochs done.
    """
    on_runs(done + size * epochs_done // epochs)
