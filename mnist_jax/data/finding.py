"""Search for files by their content."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mnist_jax.data.files import Contents, DataError, IdxFile, digest, read_file
from mnist_jax.data.known import KNOWN, owner

MAX_DEPTH = 3
"""Largest depth of the searched folders."""
MAX_FILES = 1_000
"""Largest number of searched files."""

FIRST_LABELS = {
    "fashion-mnist": {
        "train": bytes([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]),
        "t10k": bytes([9, 2, 1, 1, 6, 1, 4, 6, 5, 7]),
    },
}
"""The first labels of data sets without known digests of the decompressed files."""


def find(directory: Path, files: Sequence[IdxFile]) -> Contents:
    """Searches a directory and its subfolders for files with known digests, under any name."""
    by_digest = {file.sha256: file for file in files if file.sha256 is not None}
    contents: Contents = {}
    if not by_digest:
        return contents
    largest = max(file.size for file in files)
    for path in _files_below(directory):
        content = _content(path, largest)
        if file := by_digest.get(digest(content)):
            contents.setdefault(file.name, content)
        if len(contents) == len(files):
            break
    return contents


def recognise(paths: Iterator[Path], part: str) -> str | None:
    """Names the data set of a file of labels, "train" or "t10k"; None if it is unknown."""
    largest = max(file.size for data_set in KNOWN.values() for file in data_set.files[1::2])
    for path in paths:
        try:
            stored, content = read_file(path, largest)
        except DataError:
            continue
        if name := owner({digest(stored), digest(content)}):
            return name
        for name, first in FIRST_LABELS.items():
            if content[8:].startswith(first[part]):
                return name
    return None


def _files_below(directory: Path) -> Iterator[Path]:
    """Yields the files of a directory and its subfolders, without following links to folders."""
    count = 0
    for folder, subfolders, names in os.walk(directory):
        if len(Path(folder).relative_to(directory).parts) >= MAX_DEPTH:
            subfolders.clear()
        subfolders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and (count := count + 1) <= MAX_FILES:
                yield path


def _content(path: Path, largest: int) -> bytes:
    """Returns the decompressed content; empty if the file is too large or not an IDX file."""
    with contextlib.suppress(OSError, DataError), path.open("rb") as stream:
        if stream.read(2) in (b"\x1f\x8b", b"\x00\x00") and path.stat().st_size <= largest:
            return read_file(path, largest)[1]
    return b""
