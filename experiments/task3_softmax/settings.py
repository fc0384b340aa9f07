"""The settings of task 3."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from experiments import reported
from experiments.common.settings import Settings
from mnist_jax import training
from mnist_jax.data import Selection


@dataclass(frozen=True, kw_only=True)
class Task3Settings(Settings):
    """The report's settings of task 3."""

    output_dir: Path = Path("results/task3_softmax")
    """Folder for what this command writes."""

    validation_selection: Selection | None = None
    """The last test images in file order, or images drawn at random; by default both."""

    learning_rate: float = reported.SOFTMAX_RATE
    """Learning rate of plain stochastic gradient descent."""

    l2: float = 0.0
    """Factor of the L2 penalty."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        training.hyperparameters(self.learning_rate, self.l2).rounded(self.precision)
        return super().check()
