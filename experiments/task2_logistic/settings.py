"""The settings of task 2."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from experiments import reported
from experiments.common.settings import OneValidationSet
from mnist_jax import data, training
from mnist_jax.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Task2Settings(OneValidationSet):
    """The report's settings of task 2."""

    output_dir: Path = Path("results/task2_logistic")
    """Folder for what this command writes."""

    learning_rate: float = reported.LOGISTIC_RATE
    """Learning rate of plain stochastic gradient descent."""

    l2: float = 0.0
    """Factor of the L2 penalty."""

    digits: tuple[int, int] = reported.DIGITS
    """The two digits: the first is target 1, the second target 0."""

    lag_seeds: int = 1000
    """Shuffled runs that stop by the report's criterion."""

    patience_seeds: int = 200
    """Shuffled runs that stop by the usual criterion, which takes six times as long."""

    curve_seeds: int = 20
    """Shuffled runs that go on to the last epoch, for the curves."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        data.check_digits(self.digits)
        training.hyperparameters(self.learning_rate, self.l2).rounded(self.precision)
        for name in ("lag_seeds", "patience_seeds", "curve_seeds"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; give 1 or more.")
        return super().check()

    def shortened(self) -> Self:
        """The settings that are used: with `quick`, fewer epochs and seeds."""
        return super().shortened()._capped(lag_seeds=50, patience_seeds=10, curve_seeds=5)

    def seeds(self, count: int) -> range:
        """As many seeds, counting up from the one given."""
        return range(self.seed, self.seed + count)
