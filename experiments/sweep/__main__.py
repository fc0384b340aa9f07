"""The command of a sweep: `python -m experiments.sweep`."""

from functools import partial

import numpy as np

from experiments.command import DONE, run_task
from experiments.progress import Progress
from experiments.sweep import figures, summary
from experiments.sweep.parts import Parts, begin
from experiments.sweep.settings import MODELS, SweepSettings
from experiments.task import Task, TaskResult, divergences
from mnist_jax import distributed, sweeps
from mnist_jax.data import Mnist, Split


def measure(settings: SweepSettings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Trains the runs of a sweep; see `Task.measure`."""
    if settings.distributed:
        distributed.join(settings.coordinator, settings.num_processes, settings.process)
    split = settings.examples(mnist)
    parts = train(settings, split, progress)
    runs = all_runs(settings, split, parts)
    if not distributed.is_first():
        raise SystemExit(DONE)  # what all have found is written by one
    metrics = summary.metrics(settings, split, runs)
    names = set(settings.columns(split).names or ()) - set(sweeps.COLUMNS.names or ())
    curves = {name: runs[name] for name in sorted(names)}
    return TaskResult(
        metrics=metrics,
        tables={"runs": summary.run_table(runs)},
        figures=figures.draw(settings, metrics, runs),
        summary=summary.closing_rows(metrics),
        diverged=divergences({settings.model: runs}),
        arrays={"curves": curves} if curves else {},
    )


def train(settings: SweepSettings, split: Split, progress: Progress) -> Parts:
    """Trains the parts of this process that are not done yet, and keeps each."""
    model, placement = MODELS[settings.model], settings.placement()
    size = sweeps.good_part(model, split, settings.program)
    size = min(size, -(-settings.grid.size // distributed.count()))  # something for everyone
    first = distributed.is_first()
    if not first:
        distributed.wait_for_all()  # until process 0 has cut the parts
    parts = begin(settings.output_dir, settings, size, first=first)
    if first:
        distributed.wait_for_all()
    mine = distributed.own_share([*enumerate(settings.grid.parts(parts.runs))])
    bar = progress.bar("sweep (runs)", sum(part.size for _, part in mine))
    done = sum(part.size for number, part in mine if parts.done(number))
    for number, part in mine:
        if not parts.done(number):
            result = sweeps.train_part(
                *(model, split, part, settings.program),
                placement=placement,
                on_epochs=partial(sweeps.report_share, bar, done, part.size, settings.epochs),
            )
            epochs = settings.epochs if settings.curves else None
            parts.write(number, sweeps.table(part, result, epochs))
            done += part.size
            bar(done)
    return parts


def all_runs(settings: SweepSettings, split: Split, parts: Parts) -> np.recarray:
    """The table of all runs, of those of other processes too."""
    numbers = range(len(settings.grid.parts(parts.runs)))
    mine = [parts.read(number) for number in distributed.own_share(numbers)]
    # with more processes than parts, some have none
    rows = distributed.gather(
        np.concatenate(mine) if mine else np.zeros(0, settings.columns(split))
    )
    order = np.lexsort((rows["l2"], rows["learning_rate"], rows["seed"]))
    return rows[order].view(np.recarray)


TASK = Task(
    "sweep",
    "Every seed with every learning rate and every factor of the penalty.",
    SweepSettings,
    measure,
    sometimes=(*figures.SOMETIMES, "curves"),
    kept="the parts that are done are kept: go on with --resume",
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
