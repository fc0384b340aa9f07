"""What is kept of a sweep: each part in a file as soon as it is done, and the state of the others.

A sweep that was cut off goes on with the parts that are missing, and within a part from its last
checkpoint. Parts are cut as they were when the sweep began, so the result is the same to the last
bit.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.sweep.settings import SweepSettings
from mnist_jax.errors import UsageError
from mnist_jax.files import replacing
from mnist_jax.results import environment, write_json
from mnist_jax.training import Checkpoint

FOLDER = "parts"
SECONDS = 60.0
"""Time between two checkpoints of a part: what is lost at most if a sweep is killed."""


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


class Parts(NamedTuple):
    """The folder of the parts.

    Attributes:
        folder: Where they are.
        runs: The most runs that a part has.
    """

    folder: Path
    runs: int

    def file(self, number: int) -> Path:
        """Where a part is, or will be."""
        return self.folder / f"{number:05d}.npy"

    def checkpoint(self, number: int, due: Callable[[], bool]) -> Checkpoint:
        """Where the state of a part is kept while it is trained."""
        path = self.folder / f"{number:05d}.checkpoint.npz"
        return Checkpoint(path, seconds=SECONDS, due=due, report=_warn)

    def write(self, number: int, rows: np.ndarray) -> None:
        """Keeps a part, whole or not at all."""
        with replacing(self.file(number)) as temporary, temporary.open("wb") as file:
            np.save(file, np.asarray(rows))

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
            rows = np.load(path, allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            _warn(f"{path} is damaged ({error}); its {size} runs are trained again")
            return None
        if rows.shape != (size,) or rows.dtype != columns:
            _warn(f"{path} does not hold the {size} runs of its part; they are trained again")
            return None
        return rows


def check(settings: SweepSettings) -> None:
    """Refuses an output folder that holds an unfinished sweep which this one does not go on with.

    Args:
        settings: Settings of the sweep.

    Raises:
        UsageError: If it would be lost, or is another sweep.
    """
    place = settings.output_dir / FOLDER
    begun = _read_plan(place)
    if begun is None:
        return
    if settings.resume:
        _check_same(begun, _identity(settings))
    elif len([*place.glob("*.npy")]) < begun["parts"]:
        raise UsageError(
            f"{settings.output_dir} holds a sweep that was begun and not finished: go on with it "
            f"with --resume, name another folder with --output-dir, or remove {place}."
        )


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
        UsageError: If the sweep was begun with other data.
    """
    place = settings.output_dir / FOLDER
    begun = _read_plan(place, lambda line: None) if settings.resume or not first else None
    if begun is None and not first:
        raise UsageError(f"process 0 has left no {place}: name a folder that all processes share.")
    if begun is not None:
        if begun["data"] != dict(data):
            raise UsageError(
                f"the sweep in {settings.output_dir} was begun with other data: give the same "
                "--data-dir to go on with it, or name another folder with --output-dir."
            )
        return Parts(place, begun["runs_of_a_part"])
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    plan = {"data": dict(data), "runs_of_a_part": runs, "parts": len(settings.grid.parts(runs))}
    write_json(place / "sweep.json", _identity(settings) | plan)
    return Parts(place, runs)


def _read_plan(place: Path, report: Callable[[str], None] = _warn) -> dict[str, Any] | None:
    """What a sweep is that was begun; None if none was, or if that can't be read any more."""
    path = place / "sweep.json"
    if not path.is_file():
        return None
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        return plan if {*plan} >= {"runs", "packages", "data", "runs_of_a_part", "parts"} else None
    except (OSError, ValueError) as error:
        report(f"{path} is damaged ({error}); the sweep begins again")
        return None


def _identity(settings: SweepSettings) -> dict[str, Any]:
    """What must be the same for parts to belong together, as JSON holds it."""
    packages = environment()["packages"]
    versions = {name: packages[name] for name in ("mnist_jax", "jax", "jaxlib", "optax")}
    return json.loads(json.dumps({"runs": settings.of_the_runs(), "packages": versions}))


def _check_same(begun: dict[str, Any], this: dict[str, Any]) -> None:
    for group in ("runs", "packages"):
        for name, value in this[group].items():
            if begun[group].get(name) != value:
                raise UsageError(
                    f"the sweep was begun with {name} {begun[group].get(name)!r}, not {value!r}: "
                    "give the same to go on with it, or name another folder with --output-dir."
                )
