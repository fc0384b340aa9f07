"""Results of a sweep as a table with a row for each run."""

import numpy as np

from mnist_jax.sweeps.grid import Part
from mnist_jax.training import Evaluation, Schedule, TrainingResult
from mnist_jax.training.plan import make_plan

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
"""Columns of the table: settings of the run (seed -1 is the order of the files), `Outcome`, last
step, last evaluation, and the evaluation with the lowest validation loss."""


def table(part: Part, result: TrainingResult, epochs: int | None = None) -> np.recarray:
    """Returns the table of a part, with a row for each run.

    Args:
        part: Runs of the part.
        result: Result of their training.
        epochs: Number of epochs of the curves; None for a table without curves.

    Returns:
        Rows with the fields of `COLUMNS` and `curve_columns`.
    """
    shape = result.outcome.shape
    curves = [] if epochs is None else curve_columns(result.schedule, epochs)
    rows = np.zeros(shape, [*COLUMNS.descr, *curves])
    for name, *_ in curves:
        values = getattr(result.history.evaluations, name)
        rows[name] = np.nan  # after the end of all runs of the part
        rows[name][..., : len(values)] = np.moveaxis(values, 0, -1)
    rows["seed"] = -1 if part.seeds is None else np.asarray(part.seeds)[:, None]
    rows["learning_rate"], rows["l2"] = np.transpose(part.pairs)
    for name in ("outcome", "last_step", "best_step"):
        rows[name] = getattr(result, name)
    steps = result.history.evaluation_steps
    last = np.searchsorted(steps, result.last_step, side="right") - 1
    # a run that diverged before its first finite evaluation has no best one
    best = np.searchsorted(steps, np.maximum(result.best_step, 0))
    orders, runs = np.indices(shape)
    for name, values in result.history.evaluations._asdict().items():
        rows[f"final_{name}"] = values[last, orders, runs]
        best_values = values[best, orders, runs]
        rows[f"best_{name}"] = np.where(result.best_step < 0, np.nan, best_values)
    return rows.ravel().view(np.recarray)


def curve_columns(schedule: Schedule, epochs: int) -> list[tuple[str, type, tuple[int, ...]]]:
    """Returns name, dtype and shape of the columns of curves, NaN after the end of a run.

    Args:
        schedule: Schedule of an epoch.
        epochs: Number of epochs.

    Example:
        >>> curve_columns(Schedule(steps_per_epoch=28, evaluate_every=5), epochs=50)[0]
        ('validation_loss', <class 'numpy.float32'>, (280,))
    """
    count = len(make_plan(schedule, epochs, 1).evaluation_steps)
    return [(name, np.float32, (count,)) for name in Evaluation._fields]
