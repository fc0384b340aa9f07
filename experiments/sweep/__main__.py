"""The command of a sweep: `python -m experiments.sweep`."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from experiments.common.command import DONE, require_device, run_task
from experiments.common.progress import Progress
from experiments.common.task import Task, TaskResult, divergences
from experiments.sweep import figures, parts, planning, summary
from experiments.sweep.begun import warn
from experiments.sweep.settings import MODELS, SweepSettings
from mnist_jax import distributed, sweeps
from mnist_jax.data import Mnist, Split


def prepare(settings: SweepSettings) -> None:
    """Joins the other processes, and refuses a folder that is not one to go on in."""
    if settings.distributed:
        where = settings.coordinator, settings.num_processes, settings.process
        distributed.join(*where, seconds=settings.wait, report=warn)
    require_device()
    if distributed.is_first() and not settings.plan:
        parts.check(settings)


def measure(settings: SweepSettings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Trains the runs of a sweep; see `Task.measure`."""
    split = settings.examples(mnist)
    if settings.plan:
        planning.show(planning.make(settings, split))
        raise SystemExit(DONE)
    runs = all_runs(train(settings, split, mnist.sha256, progress))
    if not distributed.is_first():
        raise SystemExit(DONE)  # what all have found is written by one
    metrics = summary.metrics(settings, split, runs)
    names = set(settings.columns(split).names or ()) - set(sweeps.COLUMNS.names or ())
    curves = {name: runs[name] for name in sorted(names)}
    return TaskResult(
        metrics=metrics,
        tables={"runs": summary.run_table(runs)},
        draw=partial(figures.draw, settings, metrics, runs),
        summary=summary.closing_rows(metrics),
        diverged=divergences({settings.model: runs}),
        arrays={"curves": curves} if curves else {},
    )


def train(
    settings: SweepSettings, split: Split, data: Mapping[str, str], progress: Progress
) -> np.ndarray:
    """Trains the parts of this process that are not done yet, and keeps each.

    Args:
        settings: Settings of the sweep.
        split: Its examples.
        data: Digests of the data.
        progress: Where to show progress.

    Returns:
        The table of all parts of this process.
    """
    model, columns, placement = (
        MODELS[settings.model],
        settings.columns(split),
        settings.placement(),
    )
    size = sweeps.good_part(model, split, settings.program, len(settings.grid.whole.pairs))
    size = min(size, -(-settings.grid.size // distributed.count()))  # something for everyone
    kept = begin_together(settings, size, data)
    mine = distributed.own_share([*enumerate(settings.grid.parts(kept.runs))])
    # parts are read first, so that a damaged one is found before anything is trained
    read = {number: kept.read(number, part.size, columns) for number, part in mine}
    tables = {number: rows for number, rows in read.items() if rows is not None}
    bar = progress.bar("sweep (runs)", sum(part.size for _, part in mine))
    done = sum(map(len, tables.values()))
    bar(done)
    for number, part in mine:
        if number not in tables:
            checkpoint = kept.checkpoint(number, due=lambda: progress.interrupted)
            result = sweeps.train_part(
                *(model, split, part, settings.program),
                placement=placement,
                on_epochs=partial(sweeps.report_share, bar, done, part.size, settings.epochs),
                checkpoint=checkpoint,
            )
            epochs = settings.epochs if settings.curves else None
            tables[number] = sweeps.table(part, result, epochs)
            kept.write(number, tables[number])
            checkpoint.remove()
            done += part.size
            bar(done)
    # with more processes than parts, some have none
    return np.concatenate([np.zeros(0, columns), *tables.values()])


def begin_together(settings: SweepSettings, size: int, data: Mapping[str, str]) -> parts.Parts:
    """The parts of a sweep, as process 0 has cut them."""
    first = distributed.is_first()
    if not first:
        distributed.wait_for_all()
    begun = parts.begin(settings, size, data, first=first)
    if first:
        distributed.wait_for_all()
    return begun


def all_runs(mine: np.ndarray) -> np.recarray:
    """The table of all runs, of those of other processes too."""
    rows = distributed.gather(mine)
    order = np.lexsort((rows["l2"], rows["learning_rate"], rows["seed"]))
    return rows[order].view(np.recarray)


TASK = Task(
    "sweep",
    "Every seed with every learning rate and every factor of the penalty.",
    SweepSettings,
    measure,
    sometimes=(*figures.SOMETIMES, "curves"),
    kept="what is done is kept: the same command goes on",
    prepare=prepare,
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
