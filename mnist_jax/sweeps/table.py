"""What became of the runs of a sweep: a table with a row for each."""

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
"""What is known of a run: its settings (seed -1 is the order of the files), an `Outcome`, its last
step, its last evaluation, and the one with the lowest validation loss."""


def table(part: Part, result: TrainingResult, epochs: int | None = None) -> np.recarray:
    """What became of the runs of a part, a row for each.

    Args:
        part: The runs.
        result: Result of their training.
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
        schedule: Schedule of the steps.
        epochs: How many.

    Returns:
        Name, dtype and shape of each.

    Example:
        >>> curve_columns(Schedule(steps_per_epoch=28, evaluate_every=5), epochs=50)[0]
        ('validation_loss', <class 'numpy.float32'>, (280,))
    """
    count = len(make_plan(schedule, epochs, 1).evaluation_steps)
    return [(name, np.float32, (count,)) for name in Evaluation._fields]
