"""What is kept of a sweep: each part in a file as soon as it is done, and the state of the others.

A sweep that was cut off goes on with the parts that are missing, and within a part from its last
checkpoint. Parts are cut as they were when the sweep began, so the result is the same to the last
bit. Nothing that is done is removed, unless `--overwrite` says so.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.sweep import begun, sealed
from experiments.sweep.begun import warn
from experiments.sweep.settings import SweepSettings
from mnist_jax.errors import UsageError
from mnist_jax.training import Checkpoint

FOLDER = "parts"
SECONDS = 60.0
"""Time between two checkpoints of a part: what is lost at most if a sweep is killed."""


class Parts(NamedTuple):
    """The folder of the parts.

    Attributes:
        folder: Where they are.
        runs: The most runs that a part has.
        belong_to: What the parts are parts of.
    """

    folder: Path
    runs: int
    belong_to: str

    def file(self, number: int) -> Path:
        """Where a part is, or will be."""
        return self.folder / f"{number:05d}.npy"

    def checkpoint(self, number: int, due: Callable[[], bool]) -> Checkpoint:
        """Where the state of a part is kept while it is trained."""
        path = self.folder / f"{number:05d}.checkpoint.npz"
        return Checkpoint(path, seconds=SECONDS, due=due, report=warn)

    def write(self, number: int, rows: np.ndarray) -> None:
        """Keeps a part, whole or not at all."""
        sealed.write(self.file(number), rows, self.belong_to)

    def read(self, number: int, size: int, columns: np.dtype) -> np.ndarray | None:
        """A part that was kept.

        Args:
            number: Number of the part.
            size: How many runs it has.
            columns: Columns of its table.

        Returns:
            Its rows; None if there is no such part, or if it is damaged, which is reported.
        """
        path = self.file(number)
        if not path.is_file():
            return None
        try:
            rows = sealed.read(path, self.belong_to)
        except sealed.UnsoundError as error:
            warn(f"{path} is damaged ({error}); its {size} runs are trained again")
            return None
        if rows.shape != (size,) or rows.dtype != columns:
            warn(f"{path} does not hold the {size} runs of its part; they are trained again")
            return None
        return rows


def check(settings: SweepSettings) -> None:
    """Refuses an output folder that holds another sweep.

    Args:
        settings: Settings of the sweep.

    Raises:
        UsageError: If the folder holds one that this is not.
    """
    place = settings.output_dir / FOLDER
    sweep = begun.read(place)
    if sweep is not None and not settings.overwrite:
        begun.check_same(place, sweep, settings)


def begin(settings: SweepSettings, runs: int, data: Mapping[str, str], *, first: bool) -> Parts:
    """Begins a sweep, or goes on with one.

    Args:
        settings: Settings of the sweep; `check` has been passed.
        runs: The most runs of a part, if this is the beginning.
        data: Digests of the data.
        first: Whether this is the process that writes down what the sweep is; the others read it.

    Returns:
        Its parts.

    Raises:
        UsageError: If the folder holds a sweep of other data, or parts of another sweep.
    """
    place, belong_to = settings.output_dir / FOLDER, begun.name_of(settings, data)
    if first:
        _clear(place, settings.overwrite)
    sweep = begun.read(place)
    if sweep is not None:
        begun.check_data(place, sweep, data)
        return Parts(place, sweep["runs_of_a_part"], belong_to)
    if not first:
        raise UsageError(f"process 0 has left no {place}: name a folder that all processes share.")
    kept = begun.recovered(place, settings, belong_to)
    if (place / begun.NAME).exists():
        warn(f"{place / begun.NAME} is damaged; it is written again")
    place.mkdir(parents=True, exist_ok=True)
    begun.write(place, settings, kept or runs, data)
    return Parts(place, kept or runs, belong_to)


def _clear(place: Path, everything: bool) -> None:
    """Removes what a killed writer left, and with `--overwrite` what is done; says what."""
    for debris in place.glob(".*.np[yz].*"):
        debris.unlink(missing_ok=True)
    if not everything:
        return
    done, states = [*place.glob("*.npy")], [*place.glob("*.checkpoint.npz")]
    if done or states:
        warn(f"--overwrite: removing {len(done)} finished and {len(states)} begun parts in {place}")
    for path in (*done, *states, place / begun.NAME):
        path.unlink(missing_ok=True)
