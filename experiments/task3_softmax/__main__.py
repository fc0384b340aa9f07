"""Task 3: softmax regression on ten digits, and what its validation set is worth.

3b losses and 3c accuracies, for sequential and for stochastic validation; 3d the class shares of
the validation set, and where it stands among random selections from the test set.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.settings import SOFTMAX_RATE, Settings
from experiments.common.task import Task, TaskResult, divergences, history_table
from experiments.task3_softmax import figures
from experiments.task3_softmax.metrics import (
    Trained,
    draw_selections,
    draws_metrics,
    summary,
    trained_metrics,
)
from mnist_jax import features, training
from mnist_jax.data import Mnist, Selection
from mnist_jax.models import softmax
from mnist_jax.training import Precision, TrainingResult


@dataclass(frozen=True, kw_only=True)
class Task3Settings(Settings):
    """The report's settings of task 3."""

    output_dir: Path = Path("results/task3_softmax")
    """Folder for what this command writes."""

    validation_selection: Selection | None = None
    """The last test images in file order, or images drawn at random; by default both."""

    learning_rate: float = SOFTMAX_RATE
    """Learning rate of plain stochastic gradient descent."""

    l2: float = 0.0
    """Factor of the L2 penalty."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        training.hyperparameters(self.learning_rate, self.l2).rounded(self.precision)
        return super().check()


def measure(settings: Task3Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Trains and measures task 3; see `Task.measure`."""
    chosen = settings.validation_selection
    selections: tuple[Selection, ...] = (chosen,) if chosen else get_args(Selection)
    trained = {each: train(settings, mnist, each, progress) for each in selections}
    last = list(trained.values())[-1].run
    correct = correct_on_test_set(mnist, last, settings.precision)
    draws = draw_selections(correct, settings.validation_size, settings.seed)
    metrics = {
        "train_examples": settings.train_size,
        "validation_examples": settings.validation_size,
        **last.schedule._asdict(),
        **{selection: trained_metrics(each) for selection, each in trained.items()},
        "test_set": draws_metrics(draws),
    }
    runs = {selection: each.run for selection, each in trained.items()}
    return TaskResult(
        metrics=metrics,
        tables={"history": history_table(runs)},
        figures=figures.draw(metrics, runs, draws),
        summary=summary(metrics),
        diverged=divergences(runs),
    )


def train(
    settings: Task3Settings, mnist: Mnist, selection: Selection, progress: Progress
) -> Trained:
    """One run, evaluated on one validation set; the weights do not depend on which."""
    split = settings.split(mnist, selection)
    run = training.fit(
        softmax,
        split,
        training.hyperparameters(settings.learning_rate, settings.l2),
        settings.training_settings(),
        ordering=settings.ordering(),
        on_epochs=progress.bar(f"task 3: {selection} validation (epochs)", settings.epochs),
    )
    return Trained(run.run(0, 0), split)


def correct_on_test_set(
    mnist: Mnist, run: TrainingResult, precision: Precision
) -> Bool[np.ndarray, " test"]:
    """Whether the last weights classify each test image, in file order, correctly."""
    with jax.enable_x64(precision == "float64"):
        inputs = features.make_inputs(jnp.asarray(mnist.test.images), precision)
        predictions = softmax.predict(jnp.asarray(run.weights), inputs)
    return np.asarray(predictions) == mnist.test.labels


TASK = Task("task3_softmax", "Task 3: softmax regression", Task3Settings, measure)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
