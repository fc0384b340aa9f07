"""Checkpoints: files with the state of a training, from which it continues."""

import hashlib
import logging
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from mnist_jax.files import replacing
from mnist_jax.training.blocks import Training
from mnist_jax.training.ordering import Ordering
from mnist_jax.training.step import TrainState

_LOGGER = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """State of a training between two programs.

    Attributes:
        first_step: Next global step.
        states: States of all runs, on the host.
        measured: Measurements so far, as in `Recorder.arrays`.
    """

    first_step: int
    states: TrainState
    measured: list[np.ndarray]


class Checkpoint:
    """A file with the state of a `fit`.

    The next `fit` with the same file and the same arguments continues from this state, and gives
    the same numbers bit for bit. A damaged file, or a file of another training, is ignored.

    Args:
        path: File in an existing folder.
        seconds: Seconds between two writes.
        due: Function that requests an immediate write, for example before the process ends.
        report: Function that takes a line if the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        seconds: float = 60.0,
        due: Callable[[], bool] = lambda: False,
        report: Callable[[str], None] = _LOGGER.warning,
    ) -> None:
        self._path, self._seconds, self._due, self._report = path, seconds, due, report
        self._written = time.monotonic()

    def due(self) -> bool:
        """Returns whether it is time to write."""
        return self._due() or time.monotonic() - self._written >= self._seconds

    def write(self, identity: str, snapshot: Snapshot) -> None:
        """Replaces the file by a snapshot of a training, given its identity."""
        leaves = jax.tree.leaves(jax.device_get(snapshot))
        with replacing(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, *leaves, identity=np.array(identity))
        self._written = time.monotonic()

    def read(self, identity: str, start: Snapshot) -> Snapshot | None:
        """Reads the snapshot of a training that begins at `start`; None if there is none."""
        if not self._path.is_file():
            return None
        try:
            # opened here, because NumPy leaves a damaged file open
            with self._path.open("rb") as file:
                arrays = dict(np.load(file, allow_pickle=False))
            if str(arrays["identity"]) != identity:
                self._report(f"{self._path} belongs to another training; starting again")
                return None
            structure = jax.tree.structure(start)
            leaves = [arrays[f"arr_{number}"] for number in range(structure.num_leaves)]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            self._report(f"{self._path} is damaged ({error}); starting again")
            return None
        snapshot: Snapshot = jax.tree.unflatten(structure, leaves)
        return snapshot._replace(first_step=int(snapshot.first_step))

    def remove(self) -> None:
        """Removes the file, after the training is finished."""
        self._path.unlink(missing_ok=True)


def identity(training: Training, start: TrainState, ordering: Ordering) -> str:
    """Returns a digest of what determines the results of a training."""
    settings, labels = training.settings, np.asarray(training.data.labels)
    options = settings.gradient, repr(settings.criterion), settings.train_accuracy
    first_epoch = ordering(0, len(labels))
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(
        (start, training.plan, training.values, options, labels, first_epoch)
    ):
        array = np.asarray(leaf)
        digest.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()
