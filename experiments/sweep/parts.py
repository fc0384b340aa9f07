"""The folder of a sweep's parts: each part is written when it is done, others have checkpoints.

An interrupted sweep continues with the missing parts and, within a part, from its last checkpoint.
The size of the parts is that of the first start, so the result is the same bit for bit. Finished
parts are removed only with `--overwrite`.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.sweep import checksummed, manifest
from experiments.sweep.manifest import warn
from experiments.sweep.settings import SweepSettings
from mnist_jax.errors import UsageError
from mnist_jax.results import write_json
from mnist_jax.training import Checkpoint

FOLDER = "parts"
CHECKPOINT_INTERVAL = 60.0
"""Seconds between two checkpoints of a part, the largest loss if a sweep is killed."""


class Parts(NamedTuple):
    """The parts of a sweep."""

    folder: Path  # folder of the parts
    runs: int  # largest number of runs in a part
    sweep: str  # identity of the sweep

    def checkpoint(self, number: int, due: Callable[[], bool]) -> Checkpoint:
        """Returns the checkpoint of a part."""
        path = self.folder / f"{number:05d}.checkpoint.npz"
        return Checkpoint(path, seconds=CHECKPOINT_INTERVAL, due=due, report=warn)

    def write(self, number: int, rows: np.ndarray) -> None:
        """Writes a finished part."""
        checksummed.write(self.folder / f"{number:05d}.npy", rows, self.sweep)

    def read(self, number: int, size: int, columns: np.dtype) -> np.ndarray | None:
        """Reads a finished part, given its number of runs and its columns.

        Returns:
            Its rows; None if the part is missing, or damaged, which is reported.
        """
        path = self.folder / f"{number:05d}.npy"
        if not path.is_file():
            return None
        try:
            rows = checksummed.read(path, self.sweep)
        except checksummed.DamagedError as error:
            warn(f"{path} is damaged ({error}); its {size} runs are trained again")
            return None
        if rows.shape != (size,) or rows.dtype != columns:
            warn(f"{path} does not hold the {size} runs of its part; they are trained again")
            return None
        return rows


def check(settings: SweepSettings) -> None:
    """Raises a UsageError if the output folder holds another sweep."""
    folder = settings.output_dir / FOLDER
    existing = manifest.read(folder)
    if existing is not None and not settings.overwrite:
        manifest.check(folder, existing, manifest.identity(settings))


def start(settings: SweepSettings, runs: int, data: Mapping[str, str], *, first: bool) -> Parts:
    """Starts a sweep, or continues one.

    Args:
        settings: Settings of the sweep, which `check` has accepted.
        runs: Largest number of runs in a part, for a new sweep.
        data: Digests of the data.
        first: Whether this process writes the manifest; the other processes read it.

    Returns:
        The parts of the sweep.

    Raises:
        UsageError: If the folder holds a sweep of other data, or parts of another sweep.
    """
    folder, identity = settings.output_dir / FOLDER, manifest.identity(settings, data)
    sweep = json.dumps(identity, sort_keys=True)
    if first:
        _clear(folder, settings.overwrite)
    existing = manifest.read(folder)
    if existing is not None:
        manifest.check(folder, existing, identity)
        return Parts(folder, existing["runs_of_a_part"], sweep)
    if not first:
        raise UsageError(f"process 0 wrote no {folder}: name a folder that all processes share.")
    runs = manifest.recover(folder, settings, sweep) or runs
    if (folder / manifest.NAME).exists():
        warn(f"{folder / manifest.NAME} is damaged; it is written again")
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"runs_of_a_part": runs, "parts": len(settings.grid.parts(runs))}
    write_json(folder / manifest.NAME, identity | sizes)
    return Parts(folder, runs, sweep)


def _clear(folder: Path, overwrite: bool) -> None:
    """Removes temporary files of killed processes and, with `--overwrite`, all parts."""
    removed = [*folder.glob(".*.np[yz].*")]
    if overwrite:
        finished, started = [*folder.glob("*.npy")], [*folder.glob("*.checkpoint.npz")]
        counts = f"{len(finished)} finished and {len(started)} started parts"
        if finished or started:
            warn(f"--overwrite: removing {counts} in {folder}")
        removed += [*finished, *started, folder / manifest.NAME]
    for path in removed:
        path.unlink(missing_ok=True)
