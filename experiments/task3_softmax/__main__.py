"""Task 3: softmax regression on ten digits, and what its validation set is worth.

3b losses and 3c accuracies, for sequential and for stochastic validation; 3d the class shares of
the validation set, and where it stands among random selections from the test set.
"""

from functools import partial
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.task import Task, TaskResult, divergences, history_table
from experiments.reported import TaskName
from experiments.task3_softmax.captions import CAPTIONS, MEANING
from experiments.task3_softmax.claims import CLAIMS
from experiments.task3_softmax.figures import draw
from experiments.task3_softmax.metrics import Trained, draw_selections, summary, task_metrics
from experiments.task3_softmax.settings import Task3Settings
from mnist_jax import features, training
from mnist_jax.data import Mnist, Selection
from mnist_jax.models import softmax
from mnist_jax.training import Precision, TrainingResult


def measure(settings: Task3Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Train and measure task 3; see `Task.measure`."""
    chosen = settings.validation_selection
    selections: tuple[Selection, ...] = (chosen,) if chosen else get_args(Selection)
    trained = {str(name): train(settings, mnist, name, progress) for name in selections}
    runs = {name: one.run for name, one in trained.items()}
    correct = correct_on_test_set(mnist, runs[selections[-1]], settings.precision)
    draws = draw_selections(correct, settings.validation_size, settings.seed)
    metrics = task_metrics(trained, draws, settings.train_size)
    return TaskResult(
        metrics=metrics,
        summary=summary(metrics),
        tables={"history": history_table(runs)},
        diverged=divergences(runs),
        draw=partial(draw, metrics, runs, draws),
    )


def train(
    settings: Task3Settings, mnist: Mnist, selection: Selection, progress: Progress
) -> Trained:
    """Train one run, evaluated on one validation set; the weights do not depend on which."""
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


TASK = Task(
    TaskName.SOFTMAX,
    "Task 3: softmax regression",
    Task3Settings,
    measure,
    claims=CLAIMS,
    captions=CAPTIONS,
    meaning=MEANING,
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
