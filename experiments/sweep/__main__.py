"""Command line of a sweep: `python -m experiments.sweep`."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from experiments.common.command import DONE, require_device, run_task
from experiments.common.progress import Progress
from experiments.common.task import Task, TaskResult, divergences
from experiments.sweep import figures, parts, planning, summary
from experiments.sweep.manifest import warn
from experiments.sweep.settings import MODELS, SweepSettings
from mnist_jax import distributed, sweeps
from mnist_jax.data import Mnist, Split


def prepare(settings: SweepSettings) -> None:
    """Joins the other processes, and checks the output folder."""
    if settings.distributed:
        address = settings.coordinator, settings.num_processes, settings.process
        distributed.join(*address, seconds=settings.wait, report=warn)
    require_device()
    if distributed.is_first() and not settings.plan:
        parts.check(settings)


def measure(settings: SweepSettings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Trains the runs of a sweep; see `Task.measure`."""
    split = settings.examples(mnist)
    if settings.plan:
        planning.show(planning.make(settings, split))
        raise SystemExit(DONE)
    runs = gather(train(settings, split, mnist.sha256, progress))
    if not distributed.is_first():
        raise SystemExit(DONE)  # process 0 writes the results of all processes
    metrics = summary.metrics(settings, split, runs)
    names = set(settings.columns(split).names or ()) - set(sweeps.COLUMNS.names or ())
    curves = {name: runs[name] for name in sorted(names)}
    return TaskResult(
        metrics=metrics,
        tables={"runs": summary.run_table(runs)},
        draw=partial(figures.draw, settings, metrics, runs),
        summary=summary.summary_rows(metrics),
        diverged=divergences({settings.model: runs}),
        arrays={"curves": curves} if curves else {},
    )


def train(
    settings: SweepSettings, split: Split, data: Mapping[str, str], progress: Progress
) -> np.ndarray:
    """Trains the unfinished parts of this process, and writes each; returns the table of all."""
    model, columns = MODELS[settings.model], settings.columns(split)
    placement, shared = settings.placement(), settings.common_settings
    size = sweeps.good_part(model, split, shared, len(settings.grid.all_runs.pairs))
    size = min(size, -(-settings.grid.size // distributed.count()))  # at least one part each
    store = start_in_all_processes(settings, size, data)
    own = distributed.own_share([*enumerate(settings.grid.parts(store.runs))])
    # all parts are read first, so that a damaged one is reported before the training
    finished = {number: store.read(number, part.size, columns) for number, part in own}
    tables = {number: rows for number, rows in finished.items() if rows is not None}
    bar = progress.bar("sweep (runs)", sum(part.size for _, part in own))
    done = sum(map(len, tables.values()))
    bar(done)
    for number, part in own:
        if number not in tables:
            checkpoint = store.checkpoint(number, due=lambda: progress.interrupted)
            result = sweeps.train_part(
                *(model, split, part, shared),
                placement=placement,
                on_epochs=partial(sweeps.report_share, bar, done, part.size, settings.epochs),
                checkpoint=checkpoint,
            )
            epochs = settings.epochs if settings.curves else None
            tables[number] = sweeps.table(part, result, epochs)
            store.write(number, tables[number])
            checkpoint.remove()
            done += part.size
            bar(done)
    # with more processes than parts, some processes have none
    return np.concatenate([np.zeros(0, columns), *tables.values()])


def start_in_all_processes(
    settings: SweepSettings, size: int, data: Mapping[str, str]
) -> parts.Parts:
    """Returns the parts of a sweep, which process 0 starts before the others."""
    first = distributed.is_first()
    if not first:
        distributed.wait_for_all()
    started = parts.start(settings, size, data, first=first)
    if first:
        distributed.wait_for_all()
    return started


def gather(own: np.ndarray) -> np.recarray:
    """Returns the sorted table of the runs of all processes."""
    rows = distributed.gather(own)
    order = np.lexsort((rows["l2"], rows["learning_rate"], rows["seed"]))
    return rows[order].view(np.recarray)


TASK = Task(
    "sweep",
    "Every seed with every learning rate and every factor of the penalty.",
    SweepSettings,
    measure,
    optional_files=(*figures.OPTIONAL, "curves"),
    interruption_message="finished work is kept: run the same command again to continue",
    prepare=prepare,
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
