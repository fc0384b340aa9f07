"""What a claims file carries besides the verdicts, so that others can verify it.

Each claim has the numbers behind it, the settings, data, versions and code that gave them, and a
seal: a digest of each of these, which shows what was changed after the file was written.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mnist_jax
from experiments import reported
from experiments.common.claims import Claim, JudgedClaim
from experiments.common.settings import NOT_NUMERICAL, Settings
from mnist_jax.results import plain

LIBRARY = Path(mnist_jax.__file__).parent
EXPERIMENTS = Path(reported.__file__).parent
CHECKING = ("derivation", "gradcheck")
"""Folders of the library that task 1 alone uses."""


def record(
    claim: Claim,
    judged: JudgedClaim,
    settings: Settings,
    metrics: Mapping[str, Any],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the record of a claim as claims.json holds it; `task.config` gives the config."""
    parts = {
        "numbers": select(plain(metrics), claim.numbers),
        "settings": {k: v for k, v in asdict(settings).items() if k not in NOT_NUMERICAL},
        "data": config["data"]["sha256"],
        "environment": config["environment"],
        "code": code_digests(judged.task),
    }
    made = plain({**asdict(judged), **parts})
    return {**made, "seal": seal(made)}


def seal(made: Mapping[str, Any]) -> dict[str, str]:
    """Digest each part of a record: its numbers, its settings and so on, and the verdict."""
    parts = {name: value for name, value in made.items() if isinstance(value, dict)}
    parts.pop("seal", None)
    parts["claim"] = {name: value for name, value in made.items() if not isinstance(value, dict)}
    return {name: digest(json.dumps(part, sort_keys=True).encode()) for name, part in parts.items()}


def digest(content: bytes) -> str:
    """Shorten a SHA-256 to 16 hexadecimal digits: it guards against accidents, not forgery."""
    return hashlib.sha256(content).hexdigest()[:16]


def code_digests(task: str) -> dict[str, str]:
    """Digest the code that computes a task's metrics, folder by folder."""
    return {name: digest(_sources(folder, name)) for name, folder in _folders(task)}


def _folders(task: str) -> Iterator[tuple[str, Path]]:
    yield "mnist_jax", LIBRARY
    for folder in sorted(path.parent for path in LIBRARY.glob("*/__init__.py")):
        if folder.name not in CHECKING or task == reported.TaskName.GRADIENTS:
            yield f"mnist_jax/{folder.name}", folder
    for name in ("common", task):
        yield f"experiments/{name}", EXPERIMENTS / name


def _sources(folder: Path, name: str) -> bytes:
    """The Python files of a folder; those of folders in it too, but not of the whole library."""
    found = sorted(folder.glob("*.py") if "/" not in name else folder.rglob("*.py"))
    # as text, or the ends of lines would differ between systems
    parts = ((path.relative_to(folder).as_posix(), path.read_text("utf-8")) for path in found)
    return "\0".join(text for part in parts for text in part).encode()


def flat(numbers: Any, path: str = "", *, lists: bool = False) -> dict[str, Any]:
    """Flatten nested mappings and, if asked, lists; the names are paths.

    Example:
        >>> numbers = {"stop": {"lag": 75}, "depths": [0.1, 0.2]}
        >>> flat(numbers)
        {'stop/lag': 75, 'depths': [0.1, 0.2]}
        >>> flat(numbers, lists=True)
        {'stop/lag': 75, 'depths[0]': 0.1, 'depths[1]': 0.2}
    """
    if isinstance(numbers, Mapping):
        parts = ((f"{path}/{key}" if path else key, each) for key, each in numbers.items())
    elif lists and isinstance(numbers, list):
        parts = ((f"{path}[{place}]", each) for place, each in enumerate(numbers))
    else:
        return {path: numbers}
    return {n: value for at, each in parts for n, value in flat(each, at, lists=lists).items()}


def select(metrics: Mapping[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """Copy a part of some metrics; what is absent is left out.

    Args:
        metrics: Nested mappings.
        paths: Keys with slashes between them; a star stands for every key.

    Returns:
        The part, nested as the metrics are.

    Example:
        >>> select({"runs": {"a": {"norm": 1, "loss": 2}, "b": {"norm": 3}}}, ("runs/*/norm",))
        {'runs': {'a': {'norm': 1}, 'b': {'norm': 3}}}
    """
    chosen: dict[str, Any] = {}
    for path in paths:
        _copy(metrics, chosen, path.split("/"))
    return chosen


def _copy(source: Any, target: dict[str, Any], keys: list[str]) -> None:
    key, *rest = keys
    if not isinstance(source, Mapping):  # as of a file that somebody changed
        return
    for name in source if key == "*" else source.keys() & {key}:
        if rest:
            _copy(source[name], target.setdefault(name, {}), rest)
        else:
            target[name] = source[name]
