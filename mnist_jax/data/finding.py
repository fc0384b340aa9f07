"""Files that are found by their content, whatever they are called and wherever they lie."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mnist_jax.data.files import Contents, DataError, IdxFile, decompress, read_bytes
from mnist_jax.data.known import KNOWN, owner

DEPTH = 3
"""Folders within folders that are searched."""
MOST = 1_000
"""Files that are looked at."""

FIRST_LABELS = {
    "fashion-mnist": {
        "train": bytes([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]),
        "t10k": bytes([9, 2, 1, 1, 6, 1, 4, 6, 5, 7]),
    },
}
"""The labels that a data set begins with, where no digest of the decompressed files is known."""


def find(folder: Path, files: Sequence[IdxFile]) -> Contents:
    """Searches a folder for files with the digests wanted, under any name.

    Args:
        folder: The directory, searched with those within it.
        files: The files wanted.

    Returns:
        The decompressed bytes of those that were found.
    """
    wanted = {file.sha256: file for file in files if file.sha256 is not None}
    found: Contents = {}
    if not wanted:
        return found
    largest = max(file.size for file in files)
    for path in _below(folder):
        content = _content(path, largest)
        file = wanted.get(hashlib.sha256(content).hexdigest()) if content else None
        if file is not None:
            found.setdefault(file.name, content)
        if len(found) == len(files):
            break
    return found


def recognised(paths: Iterator[Path], part: str) -> str | None:
    """The name of the data set that a file of labels belongs to.

    Args:
        paths: The files that may hold the labels.
        part: "train" or "t10k".

    Returns:
        The name that `load` takes; None if it is unknown.
    """
    largest = max(file.size for each in KNOWN.values() for file in each.files[1::2])
    for path in paths:
        try:
            stored = read_bytes(path, largest)
            content = decompress(stored, largest)
        except (OSError, DataError):
            continue
        if name := owner({hashlib.sha256(each).hexdigest() for each in (stored, content)}):
            return name
        for name, first in FIRST_LABELS.items():
            if content[8:].startswith(first[part]):
                return name
    return None


def _below(folder: Path) -> Iterator[Path]:
    """The files of a folder, and of those within it, no links to folders followed."""
    seen = 0
    for place, folders, names in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= DEPTH:
            folders.clear()
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and (seen := seen + 1) <= MOST:
                yield path


def _content(path: Path, largest: int) -> bytes:
    """The decompressed content of a file; empty if it can't be one of those wanted."""
    try:
        if path.stat().st_size > largest:
            return b""
        with path.open("rb") as stream:
            if stream.read(2) not in (b"\x1f\x8b", b"\x00\x00"):
                return b""
        return decompress(read_bytes(path, largest), largest)
    except (OSError, DataError):
        return b""
