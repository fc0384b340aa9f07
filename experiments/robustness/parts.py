"""What is trained, part by part; each part is kept as soon as it is done.

The same command goes on with the parts that are missing. Parts do not depend on each other, so they
are done on as many threads as there are processors: a program is compiled on one of them while
another one runs.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments import reported
from experiments.robustness.declared import Digits
from experiments.sweep import checksummed
from experiments.sweep.manifest import warn
from mnist_jax import data
from mnist_jax.errors import UsageError
from mnist_jax.results import write_json

IDENTITY = "declared.json"

Tables = dict[str, dict[str, np.ndarray]]
"""Family to part to its table."""


class Part(NamedTuple):
    """Runs that are trained together.

    Attributes:
        name: Name of the part and of its file.
        runs: Number of its runs.
        train: Trains them; returns a table with a row for each.
    """

    name: str
    runs: int
    train: Callable[[data.Mnist], np.ndarray]


class Kept(NamedTuple):
    """The folder of a family's parts.

    Attributes:
        folder: The folder.
        belong_to: What the parts are parts of.
    """

    folder: Path
    belong_to: str

    def read(self, part: Part) -> np.ndarray | None:
        """The table of a part; None if it is not there, or damaged, which is reported."""
        path = self.folder / f"{part.name}.npy"
        if not path.is_file():
            return None
        try:
            return checksummed.read(path, self.belong_to)
        except checksummed.DamagedError as error:
            warn(f"{path} is damaged ({error}); its {part.runs} runs are trained again")
            return None

    def write(self, part: Part, rows: np.ndarray) -> None:
        """Keep the table of a part."""
        checksummed.write(self.folder / f"{part.name}.npy", rows, self.belong_to)


def split(
    mnist: data.Mnist, digits: Digits | None = None, train_size: int = reported.TRAIN_SIZE
) -> data.Split:
    """The report's split, of all digits or of two."""
    return data.split(
        mnist,
        train_size=train_size,
        validation_size=reported.VALIDATION_SIZE,
        selection="sequential",
        digits=digits,
    )


def begin(folder: Path, declared: Mapping, data: Mapping[str, str], *, overwrite: bool) -> Kept:
    """Begin a family's parts, or go on with them.

    Args:
        folder: Where they are kept.
        declared: The family's settings.
        data: Digests of the data.
        overwrite: Whether to remove what is there first.

    Raises:
        UsageError: If the folder holds parts of other settings, data or versions.
    """
    packages = {name: version(name) for name in ("mnist_jax", "jax", "jaxlib", "optax")}
    this = {"declared": declared, "data": dict(data), "packages": packages}
    identity = json.dumps(this, sort_keys=True)
    if overwrite:
        for path in folder.glob("*.npy"):
            path.unlink()
    elif _held(folder) not in (None, identity) and any(folder.glob("*.npy")):
        raise UsageError(
            f"{folder} holds runs of other declared settings, data or versions (see {IDENTITY} in "
            "it): name another folder with --output-dir, or remove what is there with --overwrite."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / IDENTITY, this)
    return Kept(folder, identity)


def _held(folder: Path) -> str | None:
    try:
        held = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return json.dumps(held, sort_keys=True)


def train(
    families: Mapping[str, Iterable[Part]],
    kept: Mapping[str, Kept],
    mnist: data.Mnist,
    bar: Callable[[int], None],
) -> Tables:
    """Train the parts that are not kept yet, in the order in which they stand.

    Args:
        families: Parts of each family.
        kept: Where the parts of each family are kept.
        mnist: The data.
        bar: Takes the number of runs done; raises KeyboardInterrupt after Ctrl-C.

    Returns:
        The table of each part.
    """
    tables: Tables = {}
    missing, done = [], 0
    for family, parts in families.items():
        tables[family] = {}
        for part in parts:
            rows = kept[family].read(part)
            if rows is None:
                missing.append((family, part))
            else:
                tables[family][part.name] = rows
                done += part.runs
    bar(done)
    executor = ThreadPoolExecutor(os.cpu_count())
    waiting = {
        executor.submit(_train, part, kept[family], mnist): (family, part)
        for family, part in missing
    }
    try:
        for future in as_completed(waiting):
            family, part = waiting[future]
            tables[family][part.name] = future.result()
            done += part.runs
            bar(done)
    finally:
        executor.shutdown(cancel_futures=True)
    return tables


def _train(part: Part, kept: Kept, mnist: data.Mnist) -> np.ndarray:
    rows = part.train(mnist)
    kept.write(part, rows)
    return rows
