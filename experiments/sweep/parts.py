"""What is kept of a sweep: its parts, each in a file as soon as it is done.

A killed sweep loses the part that it was at, and goes on with the parts that are missing. Parts are
cut as they were when the sweep began, so that the result is the same to the last bit.
"""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.sweep.settings import SweepSettings
from mnist_jax.errors import UsageError
from mnist_jax.results import environment, replacing, write_json

FOLDER = "parts"


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

    def done(self, number: int) -> bool:
        """Whether a part was kept."""
        return self.file(number).is_file()

    def write(self, number: int, rows: np.recarray) -> None:
        """Keeps a part, whole or not at all."""
        with replacing(self.file(number)) as temporary, temporary.open("wb") as file:
            np.save(file, np.asarray(rows))

    def read(self, number: int) -> np.ndarray:
        """A part that was kept."""
        return np.load(self.file(number))


def begin(folder: Path, settings: SweepSettings, runs: int, *, first: bool) -> Parts:
    """Begins a sweep, or goes on with one.

    Args:
        folder: The output folder.
        settings: Of the sweep.
        runs: The most runs of a part, if this is the beginning.
        first: Whether this is the process that writes down what the sweep is; the others read it.

    Returns:
        Its parts.

    Raises:
        UsageError: If there is an unfinished sweep and this is not to go on with it, or is another
            one. A finished one makes place.
    """
    place, plan = folder / FOLDER, folder / FOLDER / "sweep.json"
    this = json.loads(json.dumps({"runs": settings.of_the_runs(), "packages": _versions()}))
    begun = json.loads(plan.read_text(encoding="utf-8")) if plan.is_file() else None
    if settings.resume or not first:  # process 0 has written down how the parts are cut
        if begun is None:
            raise UsageError(f"{folder} holds no sweep that was begun: leave out --resume.")
        _check_same(begun, this)
        return Parts(place, begun["runs_of_a_part"])
    if begun is not None:
        if len([*place.glob("*.npy")]) < begun["parts"]:
            raise UsageError(
                f"{folder} holds a sweep that was begun and not finished: go on with it with "
                f"--resume, name another folder with --output-dir, or remove {place}."
            )
        shutil.rmtree(place)
    place.mkdir(exist_ok=True)
    count = len(settings.grid.parts(runs))
    write_json(plan, this | {"runs_of_a_part": runs, "parts": count})
    return Parts(place, runs)


def _versions() -> dict[str, str]:
    packages = environment()["packages"]
    return {name: packages[name] for name in ("mnist_jax", "jax", "jaxlib", "optax")}


def _check_same(begun: dict[str, Any], this: dict[str, Any]) -> None:
    for group in ("runs", "packages"):
        for name, value in this[group].items():
            if begun[group].get(name) != value:
                raise UsageError(
                    f"the sweep was begun with {name} {begun[group].get(name)!r}, not {value!r}: "
                    "give the same to go on with it, or name another folder with --output-dir."
                )
