"""Very many runs: every seed with every learning rate and every factor of the penalty.

Runs that share a seed share their batches, so that their matrix products are one wide product. More
runs than fit in memory are trained part by part. A part is a function of its own runs alone: it is
the same whenever it is trained, and whatever was trained before.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import psutil

from mnist_jax.data import Split
from mnist_jax.errors import UsageError
from mnist_jax.models import Model
from mnist_jax.training import (
    Evaluation,
    Placement,
    Schedule,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    in_file_order,
    shuffled,
)
from mnist_jax.training.accuracy import TILE
from mnist_jax.training.plan import make_plan

RUNS_AT_ONCE = 32
"""Runs of one program on a CPU. More are no faster each, and let fewer of those that have ended
make place for others."""

RUNS_OF_A_PART = 256
"""On a CPU, where larger parts gain nothing: what is lost if a sweep is killed."""

SHARE = 0.5
"""Of the memory at hand, what a sweep takes."""

COLUMNS = np.dtype(
    [
        ("seed", np.int64),
        ("learning_rate", np.float64),
        ("l2", np.float64),
        ("outcome", np.int32),
        ("last_step", np.int32),
        ("final_validation_loss", np.float64),
        ("final_validation_accuracy", np.float64),
        ("final_train_accuracy", np.float64),
        ("best_step", np.int32),
        ("best_validation_loss", np.float64),
        ("best_validation_accuracy", np.float64),
        ("best_train_accuracy", np.float64),
    ]
)
"""What is known of a run: its settings (seed -1 is the order of the files), an `Outcome`, its last
step, its last evaluation, and the one with the lowest validation loss."""


class Part(NamedTuple):
    """Runs that are trained together: each seed with each pair.

    Attributes:
        seeds: Of the batch orders; None for the order of the files.
        pairs: Learning rate and factor of the penalty.
    """

    seeds: Sequence[int] | None
    pairs: Sequence[tuple[float, float]]

    @property
    def orders(self) -> int:
        """How many batch orders there are."""
        return 1 if self.seeds is None else len(self.seeds)

    @property
    def size(self) -> int:
        """How many runs there are."""
        return self.orders * len(self.pairs)


class Grid(NamedTuple):
    """Runs: each seed with each learning rate and each factor of the penalty.

    Attributes:
        seeds: Of the batch orders; None for the order of the files.
        learning_rates: Of plain stochastic gradient descent.
        l2: Factors of the penalty.
    """

    seeds: Sequence[int] | None
    learning_rates: Sequence[float]
    l2: Sequence[float] = (0.0,)

    @property
    def size(self) -> int:
        """How many runs there are."""
        return self.whole.size

    @property
    def whole(self) -> Part:
        """All runs as one part; a UsageError if there are none or a value can't be one."""
        if self.seeds is not None and not len(self.seeds):
            raise UsageError("seeds is empty; give one seed for each batch order, or None.")
        for name, values in (("learning_rate", self.learning_rates), ("l2", self.l2)):
            if not len(values):
                raise UsageError(f"{name} is empty; give one number, or several.")
        pairs = [*itertools.product(self.learning_rates, self.l2)]
        hyperparameters(*np.transpose(pairs))
        return Part(self.seeds, pairs)

    def parts(self, runs: int) -> list[Part]:
        """Parts of at most so many runs, in the order of the seeds.

        Args:
            runs: At least 1.

        Returns:
            Parts that are all runs together.

        Example:
            >>> [part.size for part in Grid([1, 2, 3], [0.1, 0.2], [0.0]).parts(4)]
            [4, 2]
            >>> [part.size for part in Grid([1, 2, 3], [0.1, 0.2], [0.0]).parts(1)]
            [1, 1, 1, 1, 1, 1]
        """
        seeds, pairs = self.whole
        orders = max(1, runs // len(pairs))
        some_seeds = [None] if seeds is None else list(_batched(seeds, orders))
        return [Part(s, p) for s in some_seeds for p in _batched(pairs, max(runs, 1))]


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
        model: The model to train.
        split: Training and validation examples.
        grid: The runs.
        settings: What all runs have in common.
        runs_of_a_part: How many runs are trained at a time; None for as many as is good here.
        curves: Whether to keep every evaluation of every run.
        placement: On which devices.
        on_runs: Called now and then with the number of runs done.

    Returns:
        A table with a row for each run: the fields of `COLUMNS`, with `curves` those of
        `curve_columns` too. The runs of a seed follow each other.

    Raises:
        UsageError: If there are no runs, or the settings don't fit the data or the devices.

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
    size = runs_of_a_part or good_part(model, split, settings)
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
) -> TrainingResult:
    """Trains the runs of a part.

    Args:
        model: The model to train.
        split: Training and validation examples.
        part: The runs.
        settings: What they have in common.
        placement: On which devices.
        on_epochs: Called after every few epochs with the number of epochs done.

    Returns:
        The result, with leading axes (seeds, pairs).

    Raises:
        UsageError: If the settings don't fit the data or the devices.
    """
    at_once = None
    if jax.default_backend() == "cpu":
        devices = max(1, len(placement.devices))
        at_once = max(1, devices * RUNS_AT_ONCE // len(part.pairs))
    return fit(
        model,
        split,
        hyperparameters(*np.transpose(part.pairs), num_orders=part.orders),
        settings,
        ordering=in_file_order if part.seeds is None else shuffled(part.seeds),
        on_epochs=on_epochs,
        orders_at_once=at_once,
        placement=placement,
    )


def table(part: Part, result: TrainingResult, epochs: int | None = None) -> np.recarray:
    """What became of the runs of a part, a row for each.

    Args:
        part: The runs.
        result: Of their training.
        epochs: With it, the rows have the curves of so many epochs.

    Returns:
        Rows of `COLUMNS`, and of `curve_columns`.
    """
    shape = result.outcome.shape
    curves = [] if epochs is None else curve_columns(result.schedule, epochs)
    rows = np.zeros(shape, [*COLUMNS.descr, *curves])
    for name, *_ in curves:
        values = getattr(result.history.evaluations, name)
        rows[name] = np.nan  # where all runs of the part have ended
        rows[name][..., : len(values)] = np.moveaxis(values, 0, -1)
    rows["seed"] = -1 if part.seeds is None else np.asarray(part.seeds)[:, None]
    rows["learning_rate"], rows["l2"] = np.transpose(part.pairs)
    for name in ("outcome", "last_step", "best_step"):
        rows[name] = getattr(result, name)
    steps = result.history.evaluation_steps
    last = np.searchsorted(steps, result.last_step, side="right") - 1
    # a run that diverged before its first evaluation is finite has none that is the best
    best = np.searchsorted(steps, np.maximum(result.best_step, 0))
    orders, runs = np.indices(shape)
    for name, values in result.history.evaluations._asdict().items():
        rows[f"final_{name}"] = values[last, orders, runs]
        found = values[best, orders, runs]
        rows[f"best_{name}"] = np.where(result.best_step < 0, np.nan, found)
    return rows.ravel().view(np.recarray)


def curve_columns(schedule: Schedule, epochs: int) -> list[tuple[str, type, tuple[int, ...]]]:
    """The columns of every evaluation of a run, NaN after its end.

    Args:
        schedule: Of the steps.
        epochs: How many.

    Returns:
        Name, dtype and shape of each.

    Example:
        >>> curve_columns(Schedule(steps_per_epoch=28, evaluate_every=5), epochs=50)[0]
        ('validation_loss', <class 'numpy.float32'>, (280,))
    """
    count = len(make_plan(schedule, epochs, 1).evaluation_steps)
    return [(name, np.float32, (count,)) for name in Evaluation._fields]


def good_part(model: Model, split: Split, settings: TrainingSettings) -> int:
    """How many runs to train at a time on this machine.

    Args:
        model: Gives the number of weights.
        split: Gives the number of examples.
        settings: Give the number of steps.

    Returns:
        As many as half of the memory at hand has room for; on a CPU no more than are of use.
    """
    on_cpu = jax.default_backend() == "cpu"
    room = max(1, int(SHARE * memory_at_hand() // bytes_of_a_run(model, split, settings)))
    return min(room, RUNS_OF_A_PART) if on_cpu else room


def bytes_of_a_run(model: Model, split: Split, settings: TrainingSettings) -> int:
    """About how much memory a run takes that shares its batches with no other.

    Args:
        model: Gives the number of weights.
        split: Gives the number of examples.
        settings: Give the number of steps.

    Returns:
        Bytes: of its weights and their copies, its batch, its logits, its history.
    """
    pixels = split.train.images.shape[1]
    weights = jax.eval_shape(partial(model.init, pixels + 1, settings.precision))
    classes = weights.size // (pixels + 1)
    plan = make_plan(settings.schedule(len(split.train.labels)), settings.epochs, RUNS_OF_A_PART)
    # weights, best, gradient, new ones, one in a scatter; those that are set aside by the program
    # that runs, and by the one before, which are being counted
    copies = 5 + 2 * plan.periods_at_once
    logits = plan.periods_at_once * classes * min(TILE, len(split.train.labels))
    numbers = copies * weights.size + 2 * settings.batch_size * (pixels + 1) + logits
    numbers += plan.num_steps + 3 * len(plan.evaluation_steps)
    gathered = settings.batch_size * pixels
    return numbers * np.dtype(settings.precision).itemsize + gathered


def memory_at_hand() -> int:
    """Free memory of the device, in bytes."""
    stats: dict[str, Any] = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return psutil.virtual_memory().available


def report_share(
    on_runs: Callable[[int], None], done: int, size: int, epochs: int, epochs_done: int
) -> None:
    """Counts a part's runs as done in proportion to its epochs.

    Args:
        on_runs: Takes the number of runs done.
        done: In the parts before.
        size: Runs of this part.
        epochs: How many each of them has.
        epochs_done: How many are done.
    """
    on_runs(done + size * epochs_done // epochs)


def _batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
