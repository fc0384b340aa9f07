"""Flags that several commands share, and the split, ordering and training that they define."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Self

from tyro.conf import FlagCreatePairsOff

from experiments import reported
from mnist_jax import data, training
from mnist_jax.errors import UsageError

QUICK_EPOCHS = 6
NOT_NUMERICAL = {"output_dir", "quiet", "data_dir", "data_source"}
"""Settings that do not affect any number."""


def require_at_least(settings: Any, **lowest: int) -> None:
    """Raises a UsageError if a setting is below its lowest value; None is allowed."""
    for name, bound in lowest.items():
        value = getattr(settings, name)
        if value is not None and value < bound:
            raise UsageError(f"{name} is {value}; give at least {bound}.")


@dataclass(frozen=True, kw_only=True)
class CommandSettings:
    """Settings of a command that is not a task."""

    output_dir: Path = Path("results")
    """Folder for the output."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress and no tables, only the location of the files and errors."""

    def check(self) -> Self:
        """Validates the settings, and returns them."""
        return self


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a task; the defaults are the report's settings."""

    data_set: data.DataSetName = "mnist"
    """The images to use. The report's claims are judged on MNIST only. With "unverified",
    --data-dir names a folder of unknown content."""

    data_dir: Path | None = None
    """Folder with the four files of the data set; by default they are taken from the cache or
    downloaded."""

    data_source: data.Source = "auto"
    """Source of the data set; "auto" tries the sources in turn."""

    output_dir: Path = Path("results")
    """Folder for the output."""

    seed: int = 0
    """Seed of the shuffled orders and of the stochastic validation set; the seeds of several runs
    count up from it."""

    epochs: int = reported.EPOCHS
    """Passes over the training set."""

    batch_size: int = reported.BATCH_SIZE
    """Examples per step; the incomplete last batch of an epoch is dropped."""

    train_size: int = reported.TRAIN_SIZE
    """Number of training images, the first ones, before digits are selected."""

    validation_size: int = reported.VALIDATION_SIZE
    """Number of validation images, taken from the test images, before digits are selected."""

    shuffle: bool = True
    """Visit the training set in a new order in every epoch."""

    precision: training.Precision = "float32"
    """Floating dtype of inputs, weights and losses."""

    gradient: training.Gradient = "analytic"
    """Train with the hand-derived gradient, or with jax.grad of the loss."""

    quick: Annotated[bool, FlagCreatePairsOff] = False
    """Run a shorter form, with fewer epochs and seeds."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress and no tables, only the location of the files and errors."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        if not 0 <= self.seed < 2**30:
            # int32, with room to count up from it
            raise UsageError(f"seed is {self.seed}; give a whole number from 0 to {2**30 - 1}.")
        self.training_settings()
        return self

    def shortened(self) -> Self:
        """Returns the effective settings: with `quick`, fewer epochs."""
        return self._capped(epochs=QUICK_EPOCHS)

    def changed(self) -> set[str]:
        """Returns the names of the settings that differ from the report's, the defaults."""
        own = type(self)()
        names = {field.name for field in fields(self)}
        return {name for name in names if getattr(self, name) != getattr(own, name)}

    def are_the_reports(self) -> bool:
        """Returns whether these settings should reproduce the report's numbers."""
        return self.changed() <= NOT_NUMERICAL

    def _capped(self, **limits: int) -> Self:
        if not self.quick:
            return self
        return replace(self, **{name: min(getattr(self, name), n) for name, n in limits.items()})

    def training_settings(self, **overrides: Any) -> training.TrainingSettings:
        """Returns the static settings of the training."""
        named = {name: getattr(self, name) for name in ("epochs", "batch_size", "gradient")}
        return training.TrainingSettings(**named, precision=self.precision, **overrides)

    def split(
        self,
        mnist: data.Mnist,
        selection: data.Selection,
        digits: tuple[int, int] | None = None,
    ) -> data.Split:
        """Returns training and validation examples."""
        return data.split(
            mnist,
            train_size=self.train_size,
            validation_size=self.validation_size,
            selection=selection,
            digits=digits,
            seed=self.seed,
        )

    def ordering(self) -> training.Ordering:
        """Returns the ordering of a single run: shuffled, or in file order."""
        if self.shuffle:
            return training.shuffled([self.seed])
        return training.in_file_order


@dataclass(frozen=True, kw_only=True)
class OneValidationSet(Settings):
    """Settings of a task with one validation set."""

    validation_selection: data.Selection = "sequential"
    """The last test images in file order, or images drawn at random."""
