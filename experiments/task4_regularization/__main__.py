"""Task 4: softmax regression with an L2 penalty.

4b weights as images, 4c validation accuracy by lambda, 4d training against validation,
4e the norm of the weights against lambda, and the appendix's weight images.
"""

from functools import partial

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.task import Task, TaskResult, divergences, history_table
from experiments.reported import TaskName
from experiments.task4_regularization.captions import CAPTIONS, MEANING
from experiments.task4_regularization.claims import CLAIMS
from experiments.task4_regularization.figures import draw
from experiments.task4_regularization.metrics import summary, task_metrics
from experiments.task4_regularization.settings import Task4Settings
from mnist_jax import training
from mnist_jax.data import Mnist
from mnist_jax.models import softmax
from mnist_jax.training import TrainingResult


def measure(settings: Task4Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Train and measure task 4; see `Task.measure`."""
    runs = train(settings, mnist, progress)
    metrics = task_metrics(runs, settings.train_size, settings.validation_size)
    named = {f"lambda {l2}": run for l2, run in runs.items()}
    return TaskResult(
        metrics=metrics,
        summary=summary(metrics),
        tables={"history": history_table(named)},
        diverged=divergences(named),
        draw=partial(draw, metrics, runs),
    )


def train(settings: Task4Settings, mnist: Mnist, progress: Progress) -> dict[float, TrainingResult]:
    """Train one run for each factor of the penalty."""
    result = training.fit(
        softmax,
        settings.split(mnist, settings.validation_selection),
        training.hyperparameters(settings.learning_rate, list(settings.l2)),
        settings.training_settings(),
        ordering=settings.ordering(),
        on_epochs=progress.bar("task 4: all lambdas (epochs)", settings.epochs),
    )
    return {l2: result.run(0, run) for run, l2 in enumerate(settings.l2)}


TASK = Task(
    TaskName.REGULARIZATION,
    "Task 4: L2 penalty",
    Task4Settings,
    measure,
    claims=CLAIMS,
    captions=CAPTIONS,
    meaning=MEANING,
    optional_files=("4e_norm", "appendix_weights"),
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
