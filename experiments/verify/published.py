"""The file that somebody published, read and found fit to be compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from experiments.__main__ import TASKS
from experiments.common.claims import Claim
from experiments.common.provenance import seal
from experiments.common.settings import NOT_NUMERICAL, Settings
from experiments.common.task import Task
from experiments.common.words import listed
from mnist_jax.errors import UsageError

PARTS = ("numbers", "settings", "data", "environment", "code", "seal")
CLAIMS: dict[str, tuple[Task[Any], Claim]] = {
    claim.statement.id: (task, claim) for task in TASKS for claim in task.claims
}
"""Every claim by its id, with the task that measures it."""


@dataclass(frozen=True)
class Published:
    """A claim as it was published."""

    record: Mapping[str, Any]  # its record, as `experiments.common.provenance` makes it
    task: Task[Any]  # task that measures it
    claim: Claim
    settings: Settings  # settings with which it was measured
    judgement: Mapping[str, Any]  # verdict, and each check to whether it holds

    @property
    def id(self) -> str:
        """Short name of the claim."""
        return self.claim.statement.id

    def changed_parts(self) -> list[str]:
        """The parts of the record that are not those that were sealed."""
        sealed, found = self.record["seal"], seal(self.record)
        return sorted(name for name in found if sealed.get(name) != found[name])


def read(path: Path, chosen: Sequence[str]) -> list[Published]:
    """Reads the chosen claims of a file, or all, in its order.

    Raises:
        UsageError: If it is no claims file, or lacks what it takes to verify a claim.
    """
    records = _records(path)
    known = {record["id"]: record for record in records}
    if unknown := [name for name in chosen if name not in known]:
        raise UsageError(
            f"{path} has no claim {listed(map(repr, unknown))}; it has {listed(known)}."
        )
    return [_published(path, known[name]) for name in known if name in chosen or not chosen]


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror or error}. Name a claims.json, as `python -m "
            "experiments` writes it."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is not JSON ({error}). It may be truncated: get it again."
        ) from error
    entries = records if isinstance(records, list) else [records]
    if not entries or not all(isinstance(each, dict) and "id" in each for each in entries):
        raise UsageError(
            f"{path} holds no claims; name a claims.json, as `python -m experiments` writes it."
        )
    return entries


def _published(path: Path, record: dict[str, Any]) -> Published:
    name = record["id"]
    if missing := [part for part in PARTS if not isinstance(record.get(part), dict)]:
        raise UsageError(
            f"{path}: claim {name!r} has no {listed(missing)}, so it can't be verified. An earlier "
            "version wrote it: `python -m experiments` writes it anew."
        )
    if name not in CLAIMS:
        raise UsageError(f"{path}: {name!r} is no claim of this version; it has {listed(CLAIMS)}.")
    task, claim = CLAIMS[name]
    try:
        judged = judgement(record)
    except (LookupError, TypeError) as error:
        raise UsageError(
            f"{path}: claim {name!r} has no verdict and checks; get it again."
        ) from error
    return Published(
        record, task, claim, _settings(path, task.settings, record["settings"]), judged
    )


def judgement(record: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict of a record, and each of its checks to whether it holds."""
    checks = {check["statement"]: check["holds"] for check in record["checks"]}
    return {"verdict": record["verdict"], **checks}


def _settings(path: Path, kind: type[Settings], given: Mapping[str, Any]) -> Settings:
    own = kind()
    defaults = {f.name: getattr(own, f.name) for f in fields(kind) if f.name not in NOT_NUMERICAL}
    if wrong := sorted(defaults.keys() ^ given.keys()):
        raise UsageError(
            f"{path}: its settings and those of this version differ in {listed(wrong)}. Verify it "
            "with the version that wrote it."
        )
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    for name, value in values.items():
        if not _alike(value, defaults[name]):
            raise UsageError(f"{path}: its setting {name} is {value!r}; {defaults[name]!r} is one.")
    return kind(**values).check()


def _alike(value: object, default: object) -> bool:
    """Whether a setting has the type of its default; a default of None has any."""
    if isinstance(default, tuple) and isinstance(value, tuple) and default:
        return all(_alike(each, default[0]) for each in value)
    kinds = (int, float) if isinstance(default, float) else type(default)
    same = isinstance(value, bool) == isinstance(default, bool)
    return default is None or (isinstance(value, kinds) and same)
