"""Task 4: softmax regression with an L2 penalty.

4b weights as images, 4c validation accuracy by lambda, 4d training against validation,
4e the norm of the weights against lambda, and the appendix's weight images.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from experiments.common.command import run_task
from experiments.common.progress import Progress
from experiments.common.settings import SOFTMAX_RATE, OneValidationSet
from experiments.common.task import Task, TaskResult, divergences, history_table
from experiments.task4_regularization import figures
from experiments.task4_regularization.metrics import norm_exponent, run_of_l2, summary
from mnist_jax import training
from mnist_jax.data import Mnist
from mnist_jax.errors import UsageError
from mnist_jax.models import softmax


@dataclass(frozen=True, kw_only=True)
class Task4Settings(OneValidationSet):
    """The report's settings of task 4."""

    output_dir: Path = Path("results/task4_regularization")
    """Folder for what this command writes."""

    learning_rate: float = SOFTMAX_RATE
    """Learning rate of plain stochastic gradient descent."""

    l2: tuple[float, ...] = (0.0, 0.002, 0.02, 0.2, 2.0)
    """Factors of the L2 penalty, a run for each."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        training.hyperparameters(self.learning_rate, list(self.l2)).rounded(self.precision)
        # the runs are named by their factors
        if len(set(self.l2)) < len(self.l2):
            raise UsageError(f"l2 is {self.l2}; give each factor once.")
        return super().check()


def measure(settings: Task4Settings, mnist: Mnist, progress: Progress) -> TaskResult:
    """Trains and measures task 4; see `Task.measure`."""
    result = training.fit(
        softmax,
        settings.split(mnist, settings.validation_selection),
        training.hyperparameters(settings.learning_rate, list(settings.l2)),
        settings.training_settings(),
        ordering=settings.ordering(),
        on_epochs=progress.bar("task 4: all lambdas (epochs)", settings.epochs),
    )
    runs = {l2: result.run(0, place) for place, l2 in enumerate(settings.l2)}
    numbers = {l2: run_of_l2(run) for l2, run in runs.items()}
    metrics = {
        "train_examples": settings.train_size,
        "validation_examples": settings.validation_size,
        **result.schedule._asdict(),
        "runs": {str(l2): run for l2, run in numbers.items()},
        "norm_exponent": norm_exponent({l2: run["weight_norm"] for l2, run in numbers.items()}),
    }
    named = {f"lambda {l2}": run for l2, run in runs.items()}
    return TaskResult(
        metrics=metrics,
        tables={"history": history_table(named)},
        figures=figures.draw(metrics, runs),
        summary=summary(metrics),
        diverged=divergences(named),
    )


TASK = Task(
    "task4_regularization",
    "Task 4: L2 penalty",
    Task4Settings,
    measure,
    sometimes=("4c_accuracy", "4e_norm", "appendix_weights"),
)

if __name__ == "__main__":
    raise SystemExit(run_task(TASK))
