"""Trainings that go on where they were cut off: their state, kept in a file now and then."""

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
from mnist_jax.training.step import TrainState

_LOGGER = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """What is known of a training between two programs.

    Attributes:
        first_step: The global step that comes next.
        states: All runs, on the host.
        measured: What was measured so far, by name.
    """

    first_step: int
    states: TrainState
    measured: dict[str, np.ndarray]


class Checkpoint:
    """A file that keeps the state of a `fit`.

    The next `fit` with the same file and the same arguments goes on from there, to the same numbers
    bit for bit. A file of another training, or a damaged one, is not used.

    Args:
        path: The file; its folder exists.
        seconds: Time between two writings.
        due: Whether to write at once, for example because the process is about to be ended.
        report: Takes a line if a file can't be used.
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
        """Whether it is time to write."""
        return self._due() or time.monotonic() - self._written >= self._seconds

    def write(self, identity: str, snapshot: Snapshot) -> None:
        """Keeps a snapshot, in place of the one before.

        Args:
            identity: Identity of the training, as `identity` gives it.
            snapshot: Its state.
        """
        leaves = jax.tree.leaves(jax.device_get(snapshot.states))
        arrays = {f"state {number}": leaf for number, leaf in enumerate(leaves)}
        arrays |= {f"measured {name}": array for name, array in snapshot.measured.items()}
        arrays |= {"identity": np.array(identity), "first_step": np.array(snapshot.first_step)}
        with replacing(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        self._written = time.monotonic()

    def read(self, identity: str, states: TrainState) -> Snapshot | None:
        """The snapshot that was kept of this training.

        Args:
            identity: Identity of the training.
            states: Its runs before their first step, for the structure.

        Returns:
            The snapshot, or None if there is none that can be used.
        """
        if not self._path.is_file():
            return None
        try:
            # opened here, since NumPy leaves a damaged file open
            with self._path.open("rb") as file:
                arrays = dict(np.load(file, allow_pickle=False))
            if str(arrays["identity"]) != identity:
                self._report(f"{self._path} is of another training; beginning anew")
                return None
            structure = jax.tree.structure(states)
            leaves = [arrays[f"state {number}"] for number in range(structure.num_leaves)]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            self._report(f"{self._path} is damaged ({error}); beginning anew")
            return None
        measured = {
            name.removeprefix("measured "): array
            for name, array in arrays.items()
            if name.startswith("measured ")
        }
        return Snapshot(int(arrays["first_step"]), jax.tree.unflatten(structure, leaves), measured)

    def remove(self) -> None:
        """Removes the file; for when what it was kept for is done."""
        self._path.unlink(missing_ok=True)


def identity(states: TrainState, *facts: object) -> str:
    """What tells trainings apart: their initial states, and whatever else they depend on.

    Args:
        states: All runs before their first step.
        *facts: NumPy arrays, or values whose `repr` says what they are.

    Returns:
        A digest.
    """
    digest = hashlib.sha256()
    for fact in (*jax.tree.leaves(jax.device_get(states)), *facts):
        content = fact.tobytes() if isinstance(fact, np.ndarray) else repr(fact).encode()
        digest.update(content)
    return digest.hexdigest()
