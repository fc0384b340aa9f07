"""The flags of a sweep, and what they make: a model, a grid, the devices."""

from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jax
import numpy as np
import optax
from tyro.conf import FlagCreatePairsOff

from experiments.accelerators.devices import DeviceName
from experiments.common.settings import OneValidationSet
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
    """Every seed with every learning rate and every factor of the penalty."""

    output_dir: Path = Path("results/sweep")
    """Folder for what this command writes."""

    model: Literal["logistic", "softmax"] = "softmax"
    """The model: logistic regression of two digits, or softmax regression of all ten."""

    learning_rate: tuple[float, ...] = ()
    """One or more learning rates; by default the report's own, 0.05 for logistic and 0.01 for
    softmax."""

    l2: tuple[float, ...] = (0.0,)
    """Factors of the L2 penalty, one or more."""

    optimizer: Literal["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"] = "sgd"
    """The update rule, with the constants that optax gives it; momentum and nesterov use 0.9."""

    seeds: int = 1
    """Number of shuffled orders, whose seeds count up from --seed; with --no-shuffle there is one,
    the order of the files."""

    criterion: Literal["never", "lag", "patience"] = "never"
    """When a run stops early: never; when its validation loss is not below what it was some
    evaluations ago; when it has found no lower one since."""

    evaluations: int = 10
    """Number of evaluations that the criterion looks back."""

    digits: tuple[int, int] = (2, 3)
    """The two digits of logistic regression."""

    devices: int = 1
    """Number of devices that share the runs, of those that this process sees."""

    plan: DeviceName | None = None
    """Only say how many runs such a device has room for, in how many parts, and how long they take
    at least; nothing is trained. With --devices, so many of them."""

    resume: Annotated[bool, FlagCreatePairsOff] = False
    """Go on with the sweep in the output folder, or begin it. So it is without this flag too, which
    says it plainly in a job script."""

    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Begin the sweep anew: remove the parts of the one in the output folder, and say how many they
    were."""

    curves: Annotated[bool, FlagCreatePairsOff] = False
    """Also write every evaluation of every run."""

    distributed: Annotated[bool, FlagCreatePairsOff] = False
    """Share the runs with other processes; under Slurm and on clouds they find each other."""

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
            raise UsageError("--resume goes on and --overwrite begins anew: give one of them.")
        self._check_processes()
        for name in ("seeds", "devices"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; give 1 or more.")
        pairs = self.grid.whole.pairs
        rates, factors = np.transpose(pairs)
        training.hyperparameters(rates, factors).rounded(self.precision)
        if len(set(pairs)) < len(pairs):
            raise UsageError("a learning rate or a factor of the penalty is given twice.")
        return super().check()

    def _check_processes(self) -> None:
        number, count = self.process, self.num_processes
        if (self.coordinator, number, count) != (None,) * 3 and not self.distributed:
            raise UsageError("--coordinator, --num-processes and --process need --distributed.")
        if count is not None and count < 1:
            raise UsageError(f"num_processes is {count}; give 1 or more.")
        if number is not None and not 0 <= number < (count or 2**31):
            most = f"{count - 1}" if count else "one less than there are processes"
            raise UsageError(f"process is {number}; give a number from 0 to {most}.")

    def shortened(self) -> Self:
        """The settings that are used: with `quick`, fewer epochs and seeds."""
        return super().shortened()._capped(seeds=20)

    @property
    def grid(self) -> Grid:
        """All runs."""
        own = LOGISTIC_RATE if self.model == "logistic" else SOFTMAX_RATE
        seeds = range(self.seed, self.seed + self.seeds) if self.shuffle else None
        return Grid(seeds, self.learning_rate or (own,), self.l2)

    @property
    def program(self) -> training.TrainingSettings:
        """What all runs have in common."""
        return self.training_settings(
            criterion=CRITERIA[self.criterion](self.evaluations),
            optimizer=OPTIMIZERS[self.optimizer],
        )

    def examples(self, mnist: data.Mnist) -> data.Split:
        """Training and validation examples of the model."""
        digits = self.digits if self.model == "logistic" else None
        return self.split(mnist, self.validation_selection, digits)

    def placement(self) -> Placement:
        """On which devices; a UsageError if there are not so many."""
        if self.devices == 1:
            return Placement()
        seen = jax.local_devices()
        if self.devices > len(seen):
            raise UsageError(
                f"devices is {self.devices}, but there are {len(seen)} here: give {len(seen)} or "
                "less. A CPU counts as several with the environment variable "
                f"XLA_FLAGS=--xla_force_host_platform_device_count={self.devices}."
            )
        return Placement(tuple(seen[: self.devices]))

    def columns(self, split: data.Split) -> np.dtype:
        """The columns of the table of all runs."""
        schedule = self.program.schedule(len(split.train.labels))
        curves = sweeps.curve_columns(schedule, self.epochs) if self.curves else []
        return np.dtype([*sweeps.COLUMNS.descr, *curves])

    def of_the_runs(self) -> dict[str, Any]:
        """The settings that decide what a run gives; a sweep goes on only with the same."""
        others = {"output_dir", "resume", "overwrite", "plan", "data_dir", "data_source", "quick"}
        others |= {"distributed", "coordinator", "num_processes", "process", "wait", "quiet"}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in others}
