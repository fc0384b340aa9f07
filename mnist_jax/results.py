"""What an experiment leaves behind: JSON, CSV, and the environment it ran in."""

import csv
import json
import math
import os
import platform
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mnist_jax.errors import UsageError
from mnist_jax.files import replacing
from mnist_jax.training import TrainingResult

_VARIABLES = re.compile("JAX_(?!.*(KEY|TOKEN)).*|XLA_FLAGS|NPROC|CUDA_VISIBLE_DEVICES")
"""Environment variables that may change what is computed."""


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Makes a folder and sees that it can be written to; on an error, takes it back if empty.

    Args:
        path: The folder; its parents are made too.

    Yields:
        The folder.

    Raises:
        UsageError: If the folder can't be made or written to.
    """
    try:
        made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise UsageError(
            f"the output folder {path} can't be written to: {error.strerror or error}. "
            "Name another with --output-dir, or make it writable."
        ) from error
    try:
        yield path
    except BaseException:
        for folder in made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON; numbers that are not finite become null.

    Args:
        path: The file.
        value: Mappings, sequences, NumPy or Python numbers, strings, paths, nested as you like.
    """
    text = json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False)
    with replacing(path) as temporary:
        # of a path that is not UTF-8, the bytes become escapes, which JSON has too
        temporary.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a table as CSV; a missing number (NaN) is an empty field.

    Args:
        path: The file.
        header: Names of the columns.
        rows: One sequence of fields per row.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if field != field else field for field in row] for row in rows])  # noqa: PLR0124


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as .npz.

    Args:
        path: The file.
        arrays: Names to arrays.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


HISTORY_HEADER = (
    *("run", "step", "train_loss"),
    *("validation_loss", "validation_accuracy", "train_accuracy"),
)
"""Columns of history.csv."""


def history_rows(name: str, result: TrainingResult) -> Iterator[tuple[Any, ...]]:
    """The history of one run as rows of `HISTORY_HEADER`, up to the step at which it ended.

    Args:
        name: What to call the run.
        result: A single run, as `TrainingResult.run` gives it.

    Yields:
        One row per step; the evaluation's fields are NaN where there was none.
    """
    history = result.history
    evaluations = dict(
        zip(
            history.evaluation_steps.tolist(),
            np.stack(history.evaluations, 1).tolist(),
            strict=True,
        )
    )
    missing = [math.nan] * len(history.evaluations)
    for step, loss in enumerate(history.train_loss[: result.last_step + 1].tolist()):
        yield (name, step, loss, *evaluations.get(step, missing))


def environment() -> dict[str, Any]:
    """Versions, machine and device of this process, for the record of an experiment.

    Returns:
        Names to values, all plain strings and numbers.
    """
    devices = jax.devices()
    named = {name: text for name, text in os.environ.items() if _VARIABLES.fullmatch(name)}
    packages = ("mnist_jax", "jax", "jaxlib", "optax", "numpy", "scipy", "matplotlib")
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
        "threads": threads(),
        "variables": dict(sorted(named.items())),
        "device": devices[0].device_kind,
        "device_platform": devices[0].platform,
        "device_count": len(devices),
    }


def threads() -> int:
    """How many threads of this process share what JAX computes on the CPU.

    Sums may be cut among them, and then their number decides the last bits. It is that of the
    processors that the process may use, or the environment variable ``NPROC``.
    """
    tasks = Path("/proc/self/task")
    names = [_name_of(task) for task in tasks.iterdir()] if tasks.is_dir() else []
    if seen := names.count("tf_XLAEigen"):
        return seen
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _name_of(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # it has ended
        return ""


def plain(value: Any) -> Any:
    """The value as JSON holds it: lists for arrays, null for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
