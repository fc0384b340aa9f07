"""Why a number moved: what differs between the run that was published and that of now."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from experiments.common.provenance import code_digests
from experiments.common.words import listed
from experiments.verify.published import Published
from mnist_jax.data import MNIST_FILES, Mnist
from mnist_jax.data.files import encode_idx
from mnist_jax.results import environment

IRRELEVANT = ("matplotlib", "cpu_count")
"""What `environment` records that changes no number."""


class Cause(StrEnum):
    """Why a number moved; the earlier of two that apply is the reason."""

    FILE = "the file was changed after it was written"
    DATA = "other data"
    CODE = "other code"
    VERSIONS = "other versions or another machine"
    ROUNDING = "rounding"


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was, and what can follow from it."""

    cause: Cause
    what: str


IN_MEMORY = Difference(
    Cause.CODE,
    "data, sources and versions are those of the file: what ran here or there is not what its "
    "sources say",
)
ROUNDED = Difference(
    Cause.ROUNDING, "no number moved further than rounding moves it, and that turned the verdict"
)


def differences(published: Published, data: Mapping[str, str]) -> list[Difference]:
    """Lists what differs from the published run, the likeliest cause first.

    Args:
        published: The claim.
        data: File name to SHA-256 of the data of now.
    """
    record, code = published.record, code_digests(published.task.name)
    found = [
        Difference(Cause.FILE, f"the digest of its {part} is not the sealed one")
        for part in published.changed_parts()
    ]
    for cause, part, now in (
        (Cause.DATA, "data", data),
        (Cause.CODE, "code", code),
        (Cause.VERSIONS, "environment", environment()),
    ):
        found += [Difference(cause, text) for text in _changes(record[part], now)]
    return found


def _changes(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*there, *here} - {*IRRELEVANT}):
        old, new = there.get(name), here.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new)
        elif old != new:
            yield f"{name} is {_short(new)} here, {_short(old)} in the file"


def _short(value: object) -> str:
    text = "absent" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == hashlib.sha256().digest_size * 2 else text


def reason(found: list[Difference], *, by_rounding: bool) -> list[Difference]:
    """Chooses the differences that explain what moved: all of the likeliest cause.

    Args:
        found: What differs, the likeliest cause first.
        by_rounding: Whether rounding moved the numbers, and so turned the verdict.
    """
    if by_rounding and not (found and found[0].cause is Cause.FILE):
        return [ROUNDED]
    return [each for each in found if each.cause is found[0].cause] or [IN_MEMORY]


def digests(mnist: Mnist) -> dict[str, str]:
    """Digest the arrays as they are in memory: file name to SHA-256 of the file they make."""
    arrays = (*mnist.train, *mnist.test)
    return {
        file.name: hashlib.sha256(
            encode_idx(array.reshape(-1, *file.shape[1:]).astype("u1"))
        ).hexdigest()
        for file, array in zip(MNIST_FILES, arrays, strict=True)
    }


def told(found: list[Difference]) -> str:
    """Write differences as one sentence."""
    return listed(each.what for each in found)
