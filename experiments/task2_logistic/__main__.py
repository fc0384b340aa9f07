"""Task 2: logistic regression on two digits, early stopping and shuffling.

2b losses, 2c accuracies, 2d the stopping step of both criteria and its distribution over shuffled
runs, 2e the spikes in the validation accuracy, what they are and whether shuffling removes them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.settings import LOGISTIC_RATE, OneValidationSet
from experiments.common.task import Table, Task, TaskResult, divergences, history_table
from experiments.task2_logistic import figures
from experiments.task2_logistic.metrics import (
    CRITERIA,
    Shuffled,
    Unshuffled,
    shuffled_metrics,
    summary,
    unshuffled_metrics,
)
from mnist_jax import data, training
from mnist_jax.data import Mnist, Split
from mnist_jax.errors import UsageError
from mnist_jax.models import logistic
from mnist_jax.sweeps import Grid, sweep
from mnist_jax.training import Outcome, TrainingResult


@dataclass(frozen=True, kw_only=True)
class Task2Settings(OneValidationSet):
    """The report's settings of task 2."""

    output_dir: Path = Path("results/task2_logistic")
    """Folder for what this command writes."""

    learning_rate: float = LOGISTIC_RATE
    """Learning rate of plain stochastic gradient descent."""

    l2: float = 0.0
    """Factor of the L2 penalty."""

    digits: tuple[int, int] = (2, 3)
    """The two digits: the first is target 1, the second target 0."""

    lag_seeds: int = 1000
    """Shuffled runs that stop by the report's criterion."""

    patience_seeds: int = 200
    """Shuffled runs that stop by the usual criterion, which takes six times as long."""

    curve_seeds: int = 20
    """Shuffled runs that go on to the last epoch, for the curves."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        data.check_digits(self.digits)
        training.hyperparameters(self.learning_rate, self.l2).rounded(self.precision)
        for name in ("lag_seeds", "patience_seeds", "curve_seeds"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; give 1 or more.")
        return super().check()

    def shortened(self) -> Self:
        """The settings that are used: with `quick`, fewer epochs and seeds."""
        return super().shortened()._capped(lag_seeds=50, patience_seeds=10, curve_seeds=5)


def measure(settings: Task2Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Trains and measures task 2; see `Task.measure`."""
    split = settings.split(mnist, settings.validation_selection, settings.digits)
    unshuffled = train_unshuffled(settings, split, progress)
    shuffled = train_shuffled(settings, split, progress) if settings.shuffle else None
    metrics = {
        "train_examples": len(split.train.labels),
        "validation_examples": len(split.validation.labels),
        **unshuffled.run.schedule._asdict(),
        "unshuffled": unshuffled_metrics(unshuffled),
    }
    runs = {"unshuffled": unshuffled.run, "unshuffled, every step": unshuffled.every_step}
    sweeps: dict[str, np.recarray] = {}
    if shuffled:
        metrics["shuffled"] = shuffled_metrics(shuffled)
        sweeps = {f"shuffled, by {name}": table for name, table in shuffled.stopped.items()}
        for place, seed in enumerate(seeds(settings, settings.curve_seeds)):
            runs[f"shuffled, seed {seed}"] = shuffled.curves.run(place, 0)
    return TaskResult(
        metrics=metrics,
        tables={"history": history_table(runs)} | stopping_tables(shuffled),
        figures=figures.draw(metrics, unshuffled, shuffled),
        summary=summary(metrics),
        diverged=divergences(runs | sweeps),
    )


def train_unshuffled(settings: Task2Settings, split: Split, progress: Progress) -> Unshuffled:
    """Trains in file order, once for each way to evaluate."""
    runs = training.hyperparameters(settings.learning_rate, settings.l2)

    def train(name: str, evaluate_every: int | None) -> TrainingResult:
        program = settings.training_settings(evaluate_every=evaluate_every)
        bar = progress.bar(f"task 2: {name} (epochs)", settings.epochs)
        return training.fit(logistic, split, runs, program, on_epochs=bar).run(0, 0)

    return Unshuffled(
        run=train("unshuffled", None), every_step=train("unshuffled, every step evaluated", 1)
    )


def train_shuffled(settings: Task2Settings, split: Split, progress: Progress) -> Shuffled:
    """Trains shuffled: some seeds to the end, many with each stopping criterion."""
    rate, l2 = settings.learning_rate, settings.l2
    curves = training.fit(
        logistic,
        split,
        training.hyperparameters(rate, l2, num_orders=settings.curve_seeds),
        settings.training_settings(),
        ordering=training.shuffled(seeds(settings, settings.curve_seeds)),
        on_epochs=progress.bar("task 2: shuffled (epochs)", settings.epochs),
    )

    def stop(name: str, count: int) -> np.recarray:
        program = settings.training_settings(criterion=CRITERIA[name])
        bar = progress.bar(f"task 2: shuffled, stopped by {name} (runs)", count)
        grid = Grid(seeds(settings, count), [rate], [l2])
        return sweep(logistic, split, grid, program, on_runs=bar)

    counts = {"lag": settings.lag_seeds, "patience": settings.patience_seeds}
    return Shuffled(curves, {name: stop(name, count) for name, count in counts.items()})


def seeds(settings: Task2Settings, count: int) -> range:
    """As many seeds, counting up from the one given."""
    return range(settings.seed, settings.seed + count)


def stopping_tables(shuffled: Shuffled | None) -> dict[str, Table]:
    """One row per shuffled run that a criterion was to stop."""
    if not shuffled:
        return {}
    rows = (
        (name, run.seed, Outcome(run.outcome).name.lower(), run.last_step, run.best_step)
        for name, table in shuffled.stopped.items()
        for run in table
    )
    return {"stopping": Table(("criterion", "seed", "outcome", "last_step", "best_step"), rows)}


TASK = Task(
    "task2_logistic",
    "Task 2: logistic regression",
    Task2Settings,
    measure,
    sometimes=("2d_stopping", "2e_shuffling", "stopping"),
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
