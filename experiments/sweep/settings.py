"""Flags of a sweep, and the model, grid and devices that they define."""

from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jax
import numpy as np
import optax
from tyro.conf import FlagCreatePairsOff

from experiments.accelerators.devices import DeviceName
from experiments.common.settings import NOT_NUMERICAL, OneValidationSet, require_at_least
from experiments.reported import LOGISTIC_RATE, SOFTMAX_RATE
from mnist_jax import data, models, sweeps, training
from mnist_jax.errors import UsageError
from mnist_jax.sweeps import Grid
from mnist_jax.training import Lag, Never, Patience, Placement

MODELS = {"logistic": models.logistic, "softmax": models.softmax}
OPTIMIZERS = {
    "sgd": optax.sgd,
    "momentum": partial(optax.sgd, momentum=0.9),
    "nesterov": partial(optax.sgd, momentum=0.9, nesterov=True),
    "adam": optax.adam,
    "adamw": optax.adamw,
    "rmsprop": optax.rmsprop,
}
CRITERIA = {"never": lambda _: Never(), "lag": Lag, "patience": Patience}


@dataclass(frozen=True, kw_only=True)
class SweepSettings(OneValidationSet):
    """Settings of a sweep over seeds, learning rates and factors of the penalty."""

    output_dir: Path = Path("results/sweep")
    """Folder for the output."""

    model: Literal["logistic", "softmax"] = "softmax"
    """The model: logistic regression of two digits, or softmax regression of all ten."""

    learning_rate: tuple[float, ...] = ()
    """One or more learning rates; by default the report's own, 0.05 for logistic and 0.01 for
    softmax."""

    l2: tuple[float, ...] = (0.0,)
    """One or more factors of the L2 penalty."""

    optimizer: Literal["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"] = "sgd"
    """The optimizer, with the default constants of optax; momentum and nesterov use 0.9."""

    seeds: int = 1
    """Number of shuffled orders, whose seeds count up from --seed; with --no-shuffle there is one,
    the order of the files."""

    criterion: Literal["never", "lag", "patience"] = "never"
    """When a run stops early: never; when its validation loss is not below that of some evaluations
    ago (lag); or after some evaluations without a new lowest loss (patience)."""

    evaluations: int = 10
    """Number of evaluations of the criterion."""

    digits: tuple[int, int] = (2, 3)
    """The two digits of logistic regression."""

    devices: int = 1
    """Number of local devices that share the runs."""

    plan: DeviceName | None = None
    """Only print how many runs fit into the memory of this kind of device, the number of parts and
    a lower bound of the time, without training; --devices sets the number of devices."""

    resume: Annotated[bool, FlagCreatePairsOff] = False
    """Continue the sweep in the output folder, or start it. This is the default; the flag makes it
    explicit in a job script."""

    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Start the sweep again: remove the parts of the sweep in the output folder, and print their
    number."""

    curves: Annotated[bool, FlagCreatePairsOff] = False
    """Also write every evaluation of every run."""

    distributed: Annotated[bool, FlagCreatePairsOff] = False
    """Share the runs with other processes, which are detected under Slurm and on clouds."""

    coordinator: str | None = None
    """Address and port of process 0, if not detected automatically."""

    num_processes: int | None = None
    """Number of processes, with --coordinator."""

    process: int | None = None
    """Number of this process, from 0, with --coordinator."""

    wait: int = 60
    """Seconds to wait for the other processes, with --coordinator."""

    def check(self) -> Self:
        """Validates settings that do not depend on the data."""
        data.check_digits(self.digits)
        if self.resume and self.overwrite:
            raise UsageError("--resume continues and --overwrite starts again: give one of them.")
        self._check_processes()
        require_at_least(self, seeds=1, devices=1, num_processes=1)
        pairs = self.grid.all_runs.pairs
        training.hyperparameters(*np.transpose(pairs)).rounded(self.precision)
        if len(set(pairs)) < len(pairs):
            raise UsageError("a learning rate or a factor of the penalty is given twice.")
        return super().check()

    def _check_processes(self) -> None:
        number, count = self.process, self.num_processes
        if (self.coordinator, number, count) != (None,) * 3 and not self.distributed:
            raise UsageError("--coordinator, --num-processes and --process need --distributed.")
        if number is not None and not 0 <= number < (count or 2**31):
            highest = f"{count - 1}" if count else "the number of processes - 1"
            raise UsageError(f"process is {number}; give a number from 0 to {highest}.")

    def shortened(self) -> Self:
        """Returns the effective settings: with `quick`, fewer epochs and seeds."""
        return super().shortened()._capped(seeds=20)

    @property
    def grid(self) -> Grid:
        """The runs of the sweep."""
        own = LOGISTIC_RATE if self.model == "logistic" else SOFTMAX_RATE
        seeds = range(self.seed, self.seed + self.seeds) if self.shuffle else None
        return Grid(seeds, self.learning_rate or (own,), self.l2)

    @property
    def common_settings(self) -> training.TrainingSettings:
        """The training settings that all runs have in common."""
        return self.training_settings(
            criterion=CRITERIA[self.criterion](self.evaluations),
            optimizer=OPTIMIZERS[self.optimizer],
        )

    def examples(self, mnist: data.Mnist) -> data.Split:
        """Returns the training and validation examples of the model."""
        digits = self.digits if self.model == "logistic" else None
        return self.split(mnist, self.validation_selection, digits)

    def placement(self) -> Placement:
        """Returns the placement on the devices; raises a UsageError if there are too few."""
        if self.devices == 1:
            return Placement()
        local = jax.local_devices()
        if self.devices > len(local):
            raise UsageError(
                f"devices is {self.devices}, but this process has {len(local)}: give {len(local)} "
                "or less. A CPU counts as several devices with the environment variable "
                f"XLA_FLAGS=--xla_force_host_platform_device_count={self.devices}."
            )
        return Placement(tuple(local[: self.devices]))

    def columns(self, split: data.Split) -> np.dtype:
        """Returns the columns of the table of runs."""
        schedule = self.common_settings.schedule(len(split.train.labels))
        curves = sweeps.curve_columns(schedule, self.epochs) if self.curves else []
        return np.dtype([*sweeps.COLUMNS.descr, *curves])

    def of_the_runs(self) -> dict[str, Any]:
        """Returns the settings that affect the runs, which must be the same to continue a sweep."""
        others = NOT_NUMERICAL | {"resume", "overwrite", "plan", "quick", "distributed"}
        others |= {"coordinator", "num_processes", "process", "wait"}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in others}
