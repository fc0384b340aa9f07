"""Output of an experiment: JSON, CSV, and the description of its environment."""

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
"""Environment variables that may affect the computation."""


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Creates a writable folder with its parents; after an error, removes it if it is empty.

    Args:
        path: Folder to create.

    Yields:
        The folder.

    Raises:
        UsageError: If the folder cannot be created or written to.
    """
    try:
        created = [folder for folder in (path, *path.parents) if not folder.exists()]
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
        for folder in created:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        raise


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON; numbers that are not finite become null.

    Args:
        path: File to write.
        value: Nested mappings and sequences of NumPy or Python numbers, strings and paths.
    """
    text = json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False)
    with replacing(path) as temporary:
        # bytes of a path that are not UTF-8 become escapes, which are valid JSON
        temporary.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a table as CSV; a missing number (NaN) is an empty field.

    Args:
        path: File to write.
        header: Names of the columns.
        rows: Rows, each a sequence of fields.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if field != field else field for field in row] for row in rows])  # noqa: PLR0124


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by name to an .npz file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


HISTORY_HEADER = (
    *("run", "step", "train_loss"),
    *("validation_loss", "validation_accuracy", "train_accuracy"),
)
"""Columns of history.csv."""


def history_rows(name: str, result: TrainingResult) -> Iterator[tuple[Any, ...]]:
    """Yields the history of one run as rows of `HISTORY_HEADER`, one for each step.

    The fields of the evaluation are NaN for steps without one.

    Args:
        name: Name of the run.
        result: Single run, as returned by `TrainingResult.run`.
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
    """Returns versions, machine and device of this process, as plain strings and numbers."""
    devices = jax.devices()
    variables = {name: text for name, text in os.environ.items() if _VARIABLES.fullmatch(name)}
    packages = ("mnist_jax", "jax", "jaxlib", "optax", "numpy", "scipy", "matplotlib")
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
        "threads": threads(),
        "variables": dict(sorted(variables.items())),
        "device": devices[0].device_kind,
        "device_platform": devices[0].platform,
        "device_count": len(devices),
    }


def threads() -> int:
    """Returns the number of threads that JAX uses on the CPU.

    They may divide a sum, so their number affects the last bits. It is the number of processors
    that the process may use, or the environment variable ``NPROC``.
    """
    tasks = Path("/proc/self/task")
    names = [_name_of(task) for task in tasks.iterdir()] if tasks.is_dir() else []
    if count := names.count("tf_XLAEigen"):
        return count
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _name_of(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # the thread has ended
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
