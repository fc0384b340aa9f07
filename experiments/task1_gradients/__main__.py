"""Tasks 1a, 1b and 4a: the gradients and their derivations, checked on real batches.

Every equation of the derivations is evaluated and judged. The gradients are checked against all
that they can be compared with, from zero weights, where training starts, and where it ends.
"""

from functools import partial

import numpy as np

from experiments import reported
from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.task import Table, Task, TaskResult, divergences, history_table
from experiments.task1_gradients.captions import CAPTIONS, MEANING
from experiments.task1_gradients.claims import CLAIMS
from experiments.task1_gradients.errors import errors
from experiments.task1_gradients.figures import draw
from experiments.task1_gradients.ledger import LEDGER_HEADER, ledger_rows, ledger_table
from experiments.task1_gradients.metrics import (
    Case,
    Runs,
    batches,
    check_gradient,
    summary,
    task_metrics,
)
from experiments.task1_gradients.settings import Task1Settings
from mnist_jax import gradients, training
from mnist_jax.data import Mnist
from mnist_jax.models import logistic, softmax
from mnist_jax.training import TrainingResult


def measure(settings: Task1Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Compare the three gradients; see `Task.measure`."""
    from mnist_jax import derivation

    runs = Runs({}, [], {}, derivation.ledger(), {})
    for case in cases(settings, mnist):
        run = train(settings, case, progress)
        arguments = list(batches(case, settings.batch_size))
        weights = {"zero": np.zeros_like(run.weights), "trained": run.weights}
        runs.trained[case.task] = run
        runs.learning_rates[case.task] = case.learning_rate
        runs.checks.extend(check_gradient(case, weights, arguments))
        point = (run.weights, *arguments[0])
        runs.errors[case.task] = errors(case.loss, case.gradient, point, settings.seed)
    metrics = task_metrics(runs)
    table = Table(LEDGER_HEADER, ledger_table(runs.judgements))
    return TaskResult(
        metrics=metrics,
        summary=summary(metrics),
        tables={"history": history_table(runs.trained)},
        diverged=divergences(runs.trained),
        draw=partial(draw, runs.errors),
        documents={
            "ledger": ledger_rows(runs.judgements),
            "checks": [{**c._asdict(), "report": c.report.to_dict()} for c in runs.checks],
        },
        listings={"The equations of the derivations": table},
    )


def cases(settings: Task1Settings, mnist: Mnist) -> tuple[Case, ...]:
    """The three gradients, each with the data and the factors that it is trained with."""
    selection = settings.validation_selection
    two = settings.split(mnist, selection, settings.digits)
    ten = settings.split(mnist, selection)
    slow, fast = settings.rate(reported.SOFTMAX_RATE), settings.rate(reported.LOGISTIC_RATE)
    every = (
        Case("1a", logistic, gradients.logistic_gradient, two, fast),
        Case("1b", softmax, gradients.softmax_gradient, ten, slow),
        Case("4a", softmax, gradients.regularized_softmax_gradient, ten, slow, settings.l2),
    )
    return tuple(case for case in every if case.task in settings.gradients)


def train(settings: Task1Settings, case: Case, progress: Progress) -> TrainingResult:
    """Train the weights at which a gradient is checked."""
    result = training.fit(
        case.model,
        case.split,
        training.hyperparameters(case.learning_rate, case.l2 or 0.0),
        settings.training_settings(),
        ordering=settings.ordering(),
        on_epochs=progress.bar("task 1: training (epochs)", settings.epochs),
    )
    return result.run(0, 0)


TASK = Task(
    reported.TaskName.GRADIENTS,
    "Tasks 1a, 1b, 4a: gradients",
    Task1Settings,
    measure,
    claims=CLAIMS,
    captions=CAPTIONS,
    meaning=MEANING,
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
