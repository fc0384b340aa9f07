"""The settings of task 1."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from tyro.conf import Fixed, Suppress

from experiments import reported
from experiments.common.settings import OneValidationSet
from mnist_jax import data, training


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

    digits: tuple[int, int] = reported.DIGITS
    """The two digits of 1a."""

    gradients: Annotated[tuple[str, ...], Fixed, Suppress] = tuple(reported.GRADIENTS)
    """Gradients to check. No flag: `experiments.verify` asks for one, the figures need all."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        data.check_digits(self.digits)
        for rate in (self.rate(reported.LOGISTIC_RATE), self.rate(reported.SOFTMAX_RATE)):
            training.hyperparameters(rate, self.l2).rounded(self.precision)
        return super().check()

    def rate(self, own: float) -> float:
        """The learning rate given, or else a task's own."""
        return own if self.learning_rate is None else self.learning_rate
