"""The settings of task 4."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from experiments import reported
from experiments.common.settings import OneValidationSet
from mnist_jax import training
from mnist_jax.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Task4Settings(OneValidationSet):
    """The report's settings of task 4."""

    output_dir: Path = Path("results/task4_regularization")
    """Folder for what this command writes."""

    learning_rate: float = reported.SOFTMAX_RATE
    """Learning rate of plain stochastic gradient descent."""

    l2: tuple[float, ...] = reported.L2_FACTORS
    """Factors of the L2 penalty, a run for each."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        training.hyperparameters(self.learning_rate, list(self.l2)).rounded(self.precision)
        # the runs are named by their factors
        if len(set(self.l2)) < len(self.l2):
            raise UsageError(f"l2 is {self.l2}; give each factor once.")
        return super().check()
