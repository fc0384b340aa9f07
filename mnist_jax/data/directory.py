"""A data set from a directory that the user names, in the layouts that people have.

Digests decide whether a file is the right one, so names may differ: every candidate is tried.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mnist_jax.data import archives, finding, tables
from mnist_jax.data.files import (
    LARGEST,
    Contents,
    DataError,
    IdxFile,
    decompress,
    read_bytes,
    verify,
)
from mnist_jax.data.known import KNOWN, MNIST, DataSet, owner

REMEDY = (
    "Name a directory that holds the four MNIST files, gzipped or not, by data_dir (--data-dir) "
    "or by the environment variable MNIST_JAX_DATA_DIR. They can be had from "
    "https://storage.googleapis.com/cvdf-datasets/mnist/, each with .gz appended to its name."
)
OTHER_SETS = (
    "If it belongs to another data set, name that by data_set (--data-set): fashion-mnist, kmnist, "
    "emnist-digits, or unverified for unknown content"
)
_DOWNLOAD = "name no directory to have it downloaded."
_OVERHEAD = 2**16  # bytes that gzip may add to what it cannot compress
_LISTED = 8  # names of a directory's content that a message quotes


def read(folder: Path, files: Sequence[IdxFile], data_set: DataSet = MNIST) -> Contents:
    """Reads the files from ``folder``, each gzipped or not.

    The files may lie in the folder itself, in ``raw`` below torchvision's root, or each in a
    folder of its name; the dotted spelling ``train-images.idx3-ubyte``, Keras's ``mnist.npz`` and
    tables in CSV are read too. Where names don't help, the folder and those within it are searched
    for the content.

    Args:
        folder: The directory.
        files: The files wanted.
        data_set: The data set that they belong to.

    Returns:
        Their decompressed bytes, verified.

    Raises:
        DataError: The directory or a file is missing, unreadable or not the canonical one.
    """
    places = find_places(folder, data_set.folder)
    if data_set.archive_sha256 is not None:
        return archives.read_verified(folder, places, files, data_set)
    found = [*archives.read_npz(places, files), *tables.read(places, files)]
    try:
        return {file.name: _read_file(folder, places, file, data_set, found) for file in files}
    except DataError:
        by_content = finding.find(folder, files)
        if len(by_content) == len(files):
            return {file.name: by_content[file.name] for file in files}
        raise


def find_places(folder: Path, home: str) -> list[Path]:
    """The folders to look in: the one named, and those that torchvision makes below its root.

    Raises:
        DataError: The directory does not exist or cannot be searched.
    """
    try:
        if not folder.is_dir():
            reason = "is not a directory" if folder.exists() else "does not exist"
            raise DataError(f"data directory {folder} {reason}. {REMEDY}")
        any(folder.iterdir())
        places = (folder, folder / "raw", folder / home, folder / home / "raw")
        return [place for place in places if place.is_dir()]
    except OSError as error:
        reason = f"cannot be searched ({error.strerror})"
        raise DataError(f"data directory {folder} {reason}. {REMEDY}") from error


def candidates(places: Iterable[Path], name: str, prefix: str = "") -> Iterator[Path]:
    """The files that may be the one of a name.

    Args:
        places: Where to look.
        name: Canonical name, with ``t10k`` for the test set.
        prefix: What may stand before it, a regular expression.

    Yields:
        Paths: those of the canonical name first.
    """
    part, kind, index = re.findall(r"(train|t10k)-(images|labels)-idx(\d)", name)[0]
    part = "(t10k|test)" if part == "t10k" else part
    pattern = re.compile(rf"{prefix}{part}-{kind}[-.]idx{index}-ubyte(\.gz)?")
    for place in places:
        matching = [path for path in sorted(place.iterdir()) if pattern.fullmatch(path.name)]
        for path in sorted(matching, key=lambda path: not path.name.startswith(name)):
            # Kaggle's archive holds a folder of each name
            inner = path / path.name
            if path.is_file() or inner.is_file():
                yield path if path.is_file() else inner


def decompressed(path: Path, limit: int = LARGEST) -> tuple[bytes, bytes]:
    """A file as it is, and what is compressed in it, whatever its name says.

    Args:
        path: The file.
        limit: The most bytes that it may sensibly have.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        content = read_bytes(path, limit + _OVERHEAD)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})") from None
    return content, decompress(content, limit)


def listing(folder: Path) -> str:
    """What a directory holds, in words."""
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in folder.iterdir())
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"it holds {', '.join(names[:_LISTED])}{more}" if names else "it is empty"


def _read_file(
    folder: Path,
    places: Sequence[Path],
    file: IdxFile,
    data_set: DataSet,
    found: Sequence[Contents],
) -> bytes:
    reasons = []
    for path in candidates(places, file.name, data_set.prefix):
        try:
            return _verified(file, *decompressed(path, file.size))
        except DataError as error:
            reasons.append(f"{path} {error}")
    for contents in found:
        try:
            return verify(file, contents[file.name])
        except DataError as error:
            reasons.append(f"what {folder} holds is not canonical: {error}")
    if not reasons:
        raise DataError(
            f"{folder} holds neither {file.name} nor {file.name}.gz; {listing(folder)}. {REMEDY}"
        )
    named = any("--data-set" in reason and "which" in reason for reason in reasons)
    known = "" if named else _recognised(places, file, data_set)
    raise DataError(f"{'; '.join(reasons)}. {known}Replace it, or {_DOWNLOAD}")


def _recognised(places: Sequence[Path], file: IdxFile, data_set: DataSet) -> str:
    """A sentence on which data set this is, by the labels beside a file; empty if unknown."""
    part = "train" if "train" in file.name else "t10k"
    labels = next(each.name for each in data_set.files[1::2] if part in each.name)
    name = finding.recognised(candidates(places, labels, data_set.prefix), part)
    if name is None or KNOWN[name] == data_set:
        return ""
    return f"By its labels this is {KNOWN[name].title}: --data-set {name} reads it. "


def _verified(file: IdxFile, stored: bytes, content: bytes) -> bytes:
    """The content, if a digest says that it is the right one."""
    digests = {hashlib.sha256(each).hexdigest() for each in (stored, content)}
    if digests & {file.sha256, file.archive_sha256} - {None}:
        return verify(file, content)
    if content.lstrip()[:1] == b"<":
        raise DataError("is a web page, not the file: its download failed")
    if (other := owner(digests)) is not None:
        raise DataError(
            f"is not the canonical file but one of {KNOWN[other].title}, which --data-set {other} "
            "reads"
        )
    if file.sha256 is None:
        raise DataError(
            "cannot be verified: a digest is known of the gzipped file as it was published, "
            f"{file.archive_sha256}, and this is not it. {OTHER_SETS}"
        )
    try:
        return verify(file, content)
    except DataError as error:
        raise DataError(f"is not the canonical file: {error}. {OTHER_SETS}") from None
