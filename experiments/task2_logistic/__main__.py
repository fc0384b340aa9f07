"""Task 2: logistic regression on two digits, early stopping and shuffling.

2b losses, 2c accuracies, 2d the stopping step of both criteria and its distribution over shuffled
runs, 2e the spikes in the validation accuracy, what they are and whether shuffling removes them.
"""

from functools import partial

import numpy as np

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.task import Task, TaskResult, divergences, history_table
from experiments.reported import TaskName
from experiments.task2_logistic.captions import CAPTIONS, MEANING
from experiments.task2_logistic.claims import CLAIMS
from experiments.task2_logistic.figures import draw
from experiments.task2_logistic.metrics import CRITERIA, Runs, stopping_table, summary, task_metrics
from experiments.task2_logistic.settings import Task2Settings
from mnist_jax import training
from mnist_jax.data import Mnist, Split
from mnist_jax.models import logistic
from mnist_jax.sweeps import Grid, sweep
from mnist_jax.training import TrainingResult


def measure(settings: Task2Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Train and measure task 2; see `Task.measure`."""
    split = settings.split(mnist, settings.validation_selection, settings.digits)
    runs = Runs(
        split,
        unshuffled=train(settings, split, progress, "unshuffled", None),
        every_step=train(settings, split, progress, "unshuffled, every step evaluated", 1),
        shuffled=train_shuffled(settings, split, progress) if settings.shuffle else None,
        stopped=train_stopped(settings, split, progress) if settings.shuffle else {},
    )
    metrics = task_metrics(runs)
    named = runs.named(settings.seed)
    stopped = {f"shuffled, by {name}": table for name, table in runs.stopped.items()}
    stopping = {"stopping": stopping_table(runs.stopped)} if runs.stopped else {}
    return TaskResult(
        metrics=metrics,
        summary=summary(metrics),
        tables={"history": history_table(named), **stopping},
        diverged=divergences(named | stopped),
        draw=partial(draw, metrics, runs),
    )


def train(
    settings: Task2Settings, split: Split, progress: Progress, name: str, evaluate_every: int | None
) -> TrainingResult:
    """Train in file order."""
    runs = training.hyperparameters(settings.learning_rate, settings.l2)
    program = settings.training_settings(evaluate_every=evaluate_every)
    bar = progress.bar(f"task 2: {name} (epochs)", settings.epochs)
    return training.fit(logistic, split, runs, program, on_epochs=bar).run(0, 0)


def train_shuffled(settings: Task2Settings, split: Split, progress: Progress) -> TrainingResult:
    """Train shuffled runs to the last epoch."""
    count = settings.curve_seeds
    return training.fit(
        logistic,
        split,
        training.hyperparameters(settings.learning_rate, settings.l2, num_orders=count),
        settings.training_settings(),
        ordering=training.shuffled(settings.seeds(count)),
        on_epochs=progress.bar("task 2: shuffled (epochs)", settings.epochs),
    )


def train_stopped(
    settings: Task2Settings, split: Split, progress: Progress
) -> dict[str, np.recarray]:
    """Train many shuffled runs with each stopping criterion."""
    counts = {"lag": settings.lag_seeds, "patience": settings.patience_seeds}
    return {
        name: sweep(
            logistic,
            split,
            Grid(settings.seeds(count), [settings.learning_rate], [settings.l2]),
            settings.training_settings(criterion=CRITERIA[name], train_accuracy=False),
            on_runs=progress.bar(f"task 2: shuffled, stopped by {name} (runs)", count),
        )
        for name, count in counts.items()
    }


TASK = Task(
    TaskName.LOGISTIC,
    "Task 2: logistic regression",
    Task2Settings,
    measure,
    claims=CLAIMS,
    captions=CAPTIONS,
    meaning=MEANING,
    optional_files=("2d_stopping", "2e_shuffling", "stopping"),
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
