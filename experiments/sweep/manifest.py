"""The manifest of a sweep, sweep.json: its settings, packages, data, and size of parts."""

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.sweep import checksummed
from experiments.sweep.settings import SweepSettings
from mnist_jax.errors import UsageError

NAME = "sweep.json"
ALTERNATIVES = "name another folder with --output-dir, or remove the parts with --overwrite"
TYPES = {"runs": dict, "packages": dict, "data": dict, "runs_of_a_part": int, "parts": int}


def warn(line: str) -> None:
    """Prints a line on stderr."""
    print(line, file=sys.stderr)


def identity(settings: SweepSettings, data: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns the settings, packages and data that all parts have in common, as plain JSON.

    Args:
        settings: Settings of the sweep.
        data: Digests of the data; None before they are loaded.
    """
    versions = {name: version(name) for name in ("mnist_jax", "jax", "jaxlib", "optax")}
    known = {} if data is None else {"data": dict(data)}
    return json.loads(json.dumps({"runs": settings.of_the_runs(), "packages": versions} | known))


def read(folder: Path) -> dict[str, Any] | None:
    """Reads the manifest; returns None if it is missing or damaged."""
    try:
        manifest = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    valid = isinstance(manifest, dict) and all(
        isinstance(manifest.get(name), kind) for name, kind in TYPES.items()
    )
    return manifest if valid and manifest["runs_of_a_part"] > 0 else None


def check(folder: Path, manifest: dict[str, Any], sweep: Mapping[str, Any]) -> None:
    """Raises a UsageError if the identity of a sweep differs from the manifest."""
    if manifest["data"] != sweep.get("data", manifest["data"]):
        raise UsageError(
            f"the sweep in {folder.parent} started with other data: give the same --data-dir to "
            f"continue it, {ALTERNATIVES}."
        )
    for group in ("runs", "packages"):
        for name, value in sweep[group].items():
            if manifest[group].get(name) != value:
                done = len([*folder.glob("*.npy")])
                raise UsageError(
                    f"{folder.parent} holds a sweep with {done} of {manifest['parts']} parts done, "
                    f"which started with {name} {manifest[group].get(name)!r}, not {value!r}: give "
                    f"the same value to continue it, {ALTERNATIVES}."
                )


def recover(folder: Path, settings: SweepSettings, sweep: str) -> int | None:
    """Recovers the size of the parts from the finished ones, if the manifest is lost.

    Returns:
        The largest number of runs in a part; None if there is no finished part.

    Raises:
        UsageError: If a part belongs to another sweep.
    """
    sizes = {}
    for path in sorted(folder.glob("*.npy")):
        try:
            sizes[path.stem] = len(checksummed.read(path, sweep))
        except checksummed.OtherSweepError:
            raise UsageError(
                f"{folder / NAME} is missing or damaged, and {path} does not belong to this sweep: "
                f"give the settings, data and versions of its start, {ALTERNATIVES}."
            ) from None
        except checksummed.DamagedError:
            continue  # reported by the reader of the part
    runs = max(sizes.values(), default=None)
    parts = enumerate(settings.grid.parts(runs) if runs else ())
    if not sizes.items() <= {f"{number:05d}": part.size for number, part in parts}.items():
        raise UsageError(
            f"{folder / NAME} is missing or damaged, and the parts in its folder are not parts of "
            f"{runs} runs: {ALTERNATIVES}."
        )
    return runs
