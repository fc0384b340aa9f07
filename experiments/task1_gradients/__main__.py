"""Tasks 1a, 1b and 4a: the gradients and their derivations, checked on real batches.

Every equation of the derivations is evaluated and judged. The gradients are checked against all
that they can be compared with, from zero weights, where training starts, and where it ends.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.settings import LOGISTIC_RATE, SOFTMAX_RATE, OneValidationSet
from experiments.common.task import Table, Task, TaskResult, divergences, history_table
from experiments.task1_gradients import figures
from experiments.task1_gradients.errors import errors, errors_metrics
from experiments.task1_gradients.ledger import (
    LEDGER_HEADER,
    ledger_metrics,
    ledger_rows,
    ledger_table,
)
from experiments.task1_gradients.metrics import batches, check, check_metrics, summary
from mnist_jax import data, derivation, training
from mnist_jax.data import Mnist, Split
from mnist_jax.models import Model, logistic, softmax
from mnist_jax.training import TrainingResult


@dataclass(frozen=True, kw_only=True)
class Task1Settings(OneValidationSet):
    """What the trained weights are trained with, and the batches that are compared."""

    output_dir: Path = Path("results/task1_gradients")
    """Folder for what this command writes."""

    learning_rate: float | None = None
    """Learning rate of the training; by default 0.05 for logistic and 0.01 for softmax
    regression."""

    l2: float = 0.02
    """Factor of the L2 penalty in 4a."""

    digits: tuple[int, int] = (2, 3)
    """The two digits of 1a."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        data.check_digits(self.digits)
        for rate in (self.rate(LOGISTIC_RATE), self.rate(SOFTMAX_RATE)):
            training.hyperparameters(rate, self.l2).rounded(self.precision)
        return super().check()

    def rate(self, own: float) -> float:
        """The learning rate given, or else a task's own."""
        return own if self.learning_rate is None else self.learning_rate


def measure(settings: Task1Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Compares the three gradients; see `Task.measure`."""
    selection = settings.validation_selection
    two = settings.split(mnist, selection, settings.digits)
    ten = settings.split(mnist, selection)
    # (model, data, learning rate, factor of the penalty)
    cases = {
        "1a": (logistic, two, settings.rate(LOGISTIC_RATE), 0.0),
        "1b": (softmax, ten, settings.rate(SOFTMAX_RATE), 0.0),
        "4a": (softmax, ten, settings.rate(SOFTMAX_RATE), settings.l2),
    }
    runs, checks, seen = {}, [], {}
    for task, (model, split, rate, l2) in cases.items():
        runs[task] = train(settings, model, split, rate, l2, progress)
        arguments = list(batches(task, split.train, settings.batch_size, l2))
        weights = {"zero": np.zeros_like(runs[task].weights), "trained": runs[task].weights}
        checks += check(task, weights, arguments)
        seen[task] = errors(task, (runs[task].weights, *arguments[0]), settings.seed)
    judgements = derivation.ledger()
    metrics = {
        "gradients": check_metrics(checks),
        "errors": errors_metrics(seen),
        "ledger": ledger_metrics(judgements),
        "learning_rates": {task: rate for task, (_, _, rate, _) in cases.items()},
    }
    return TaskResult(
        metrics=metrics,
        tables={"history": history_table(runs)},
        figures=figures.draw(seen),
        summary=summary(metrics),
        diverged=divergences(runs),
        documents={
            "ledger": ledger_rows(judgements),
            "checks": [{**c._asdict(), "report": c.report.to_dict()} for c in checks],
        },
        listings={
            "The equations of the derivations": Table(LEDGER_HEADER, ledger_table(judgements))
        },
    )


def train(
    settings: Task1Settings,
    model: Model,
    split: Split,
    learning_rate: float,
    l2: float,
    progress: Progress,
) -> TrainingResult:
    """The run at whose end the gradients are compared."""
    runs = training.hyperparameters(learning_rate, l2)
    program = settings.training_settings()
    bar = progress.bar("task 1: training (epochs)", settings.epochs)
    result = training.fit(model, split, runs, program, ordering=settings.ordering(), on_epochs=bar)
    return result.run(0, 0)


TASK = Task("task1_gradients", "Tasks 1a, 1b, 4a: gradients", Task1Settings, measure)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
