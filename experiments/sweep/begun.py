"""What a sweep is and how it was cut into parts, written down when it begins."""

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.sweep import sealed
from experiments.sweep.settings import SweepSettings
from mnist_jax.errors import UsageError
from mnist_jax.results import write_json

NAME = "sweep.json"
OTHERWISE = "name another folder with --output-dir, or remove what is there with --overwrite"


def warn(line: str) -> None:
    """Prints a line on stderr."""
    print(line, file=sys.stderr)


def write(place: Path, settings: SweepSettings, runs: int, data: Mapping[str, str]) -> None:
    """Writes down what a sweep is.

    Args:
        place: Folder of the parts.
        settings: Settings of the sweep.
        runs: The most runs of a part.
        data: Digests of the data.
    """
    plan = {"data": dict(data), "runs_of_a_part": runs, "parts": len(settings.grid.parts(runs))}
    write_json(place / NAME, _identity(settings) | plan)


def read(place: Path) -> dict[str, Any] | None:
    """What a sweep is that was begun; None if none was, or if that can't be read any more."""
    try:
        plan = json.loads((place / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    wanted = {"runs": dict, "packages": dict, "data": dict, "runs_of_a_part": int, "parts": int}
    sound = isinstance(plan, dict) and all(
        isinstance(plan.get(name), kind) for name, kind in wanted.items()
    )
    return plan if sound and plan["runs_of_a_part"] > 0 else None


def check_same(place: Path, begun: dict[str, Any], settings: SweepSettings) -> None:
    """Refuses a sweep that is not the one that was begun.

    Args:
        place: Folder of the parts.
        begun: What was begun there.
        settings: Settings of this sweep.

    Raises:
        UsageError: If a setting or a package differs.
    """
    this = _identity(settings)
    for group in ("runs", "packages"):
        for name, value in this[group].items():
            if begun[group].get(name) != value:
                done = len([*place.glob("*.npy")])
                raise UsageError(
                    f"{place.parent} holds a sweep with {done} of {begun['parts']} parts done, "
                    f"which was begun with {name} {begun[group].get(name)!r}, not {value!r}: give "
                    f"the same to go on with it, {OTHERWISE}."
                )


def check_data(place: Path, begun: dict[str, Any], data: Mapping[str, str]) -> None:
    """Refuses a sweep that was begun with other data; see `check_same`."""
    if begun["data"] != dict(data):
        raise UsageError(
            f"the sweep in {place.parent} was begun with other data: give the same --data-dir to "
            f"go on with it, {OTHERWISE}."
        )


def name_of(settings: SweepSettings, data: Mapping[str, str]) -> str:
    """What every part of a sweep belongs to."""
    return json.dumps(_identity(settings) | {"data": dict(data)}, sort_keys=True)


def recovered(place: Path, settings: SweepSettings, belongs_to: str) -> int | None:
    """How a sweep was cut, as its finished parts show where the plan is lost.

    Args:
        place: Folder of the parts.
        settings: Settings of the sweep.
        belongs_to: What its parts belong to.

    Returns:
        The most runs of a part; None if no part is left.

    Raises:
        UsageError: If a part belongs to another sweep.
    """
    sizes = {}
    for path in sorted(place.glob("*.npy")):
        try:
            sizes[path.stem] = len(sealed.read(path, belongs_to))
        except sealed.ForeignError:
            raise UsageError(
                f"{place / NAME} is missing or damaged, and {path} does not belong to this sweep: "
                f"give the settings, data and versions that it was begun with, {OTHERWISE}."
            ) from None
        except sealed.UnsoundError:
            continue  # reported where it is read
    if not sizes:
        return None
    runs = max(sizes.values())
    parts = {f"{number:05d}": part.size for number, part in enumerate(settings.grid.parts(runs))}
    if not sizes.items() <= parts.items():
        raise UsageError(
            f"{place / NAME} is missing or damaged, and the parts beside it are not cut as parts "
            f"of {runs} runs: {OTHERWISE}."
        )
    return runs


def _identity(settings: SweepSettings) -> dict[str, Any]:
    """What must be the same for parts to belong together, as JSON holds it."""
    versions = {name: version(name) for name in ("mnist_jax", "jax", "jaxlib", "optax")}
    return json.loads(json.dumps({"runs": settings.of_the_runs(), "packages": versions}))
