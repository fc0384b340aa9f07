"""Data sets from a directory of the user, in the usual layouts.

Digests identify the files, so names may vary; every candidate is tried.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mnist_jax.data import archives, finding, tables
from mnist_jax.data.files import Contents, DataError, IdxFile, digest, read_file, verify
from mnist_jax.data.known import KNOWN, MNIST, DataSet, owner

OTHER_SETS = (
    "If it belongs to another data set, name that by data_set (--data-set): fashion-mnist, kmnist, "
    "emnist-digits, or unverified for unknown content"
)
_LISTED = 8  # number of names in the listing of a directory


def remedy(data_set: DataSet) -> str:
    """Returns the advice to name a directory with the files of a data set."""
    address = ""
    if data_set.archive_sha256 is not None:
        files = f"{archives.ARCHIVE}, its published archive,"
    elif data_set.files[0].sha256 is None:
        files = ", ".join(f"{file.name}.gz" for file in data_set.files)
    else:
        files = f"the four {data_set.title} files, gzipped or not,"
        address = (
            " They are published at https://storage.googleapis.com/cvdf-datasets/mnist/, each with "
            ".gz appended to its name."
        )
    return (
        f"Name a directory that holds {files} by data_dir (--data-dir) or by the environment "
        f"variable MNIST_JAX_DATA_DIR.{address}"
    )


REMEDY = remedy(MNIST)


def read(directory: Path, files: Sequence[IdxFile], data_set: DataSet = MNIST) -> Contents:
    """Reads the files from a directory, gzipped or not, and verifies them.

    The files may be in the directory itself, in ``raw`` below torchvision's root, or each in a
    folder of its name; the spelling ``train-images.idx3-ubyte``, Keras's ``mnist.npz`` and CSV
    tables are supported too. As a last resort, the directory is searched for files with the right
    content.

    Raises:
        DataError: If the directory or a file is missing, unreadable or not canonical.
    """
    folders = search_folders(directory, data_set.folder)
    if data_set.archive_sha256 is not None:
        return archives.read_verified(directory, folders, files, data_set)
    combined = [*archives.read_npz(folders, files), *tables.read(folders, files)]
    try:
        return {
            file.name: _read_file(directory, folders, file, data_set, combined) for file in files
        }
    except DataError:
        by_content = finding.find(directory, files)
        if len(by_content) == len(files):
            return {file.name: by_content[file.name] for file in files}
        raise


def search_folders(directory: Path, home: str) -> list[Path]:
    """Returns the folders to search: the directory, and torchvision's folders below it."""
    try:
        if not directory.is_dir():
            reason = "is not a directory" if directory.exists() else "does not exist"
            raise DataError(f"data directory {directory} {reason}. {REMEDY}")
        any(directory.iterdir())
        folders = (directory, directory / "raw", directory / home, directory / home / "raw")
        return [folder for folder in folders if folder.is_dir()]
    except OSError as error:
        reason = f"cannot be searched ({error.strerror})"
        raise DataError(f"data directory {directory} {reason}. {REMEDY}") from error


def candidates(folders: Iterable[Path], name: str, prefix: str = "") -> Iterator[Path]:
    """Yields the files that may have a canonical name, files with exactly that name first.

    ``prefix`` is a regular expression for text before the name.
    """
    part, kind, index = re.findall(r"(train|t10k)-(images|labels)-idx(\d)", name)[0]
    part = "(t10k|test)" if part == "t10k" else part
    pattern = re.compile(rf"{prefix}{part}-{kind}[-.]idx{index}-ubyte(\.gz)?")
    for folder in folders:
        matching = [path for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name)]
        for path in sorted(matching, key=lambda path: not path.name.startswith(name)):
            # Kaggle's archive has a folder of each name
            inner = path / path.name
            if path.is_file() or inner.is_file():
                yield path if path.is_file() else inner


def listing(directory: Path) -> str:
    """Describes the contents of a directory."""
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in directory.iterdir())
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"it holds {', '.join(names[:_LISTED])}{more}" if names else "it is empty"


def _read_file(
    directory: Path,
    folders: Sequence[Path],
    file: IdxFile,
    data_set: DataSet,
    combined: Sequence[Contents],
) -> bytes:
    reasons = []
    for path in candidates(folders, file.name, data_set.prefix):
        try:
            return _verified(file, *read_file(path, file.size))
        except DataError as error:
            reasons.append(f"{path} {error}")
    for contents in combined:
        try:
            return verify(file, contents[file.name])
        except DataError as error:
            reasons.append(f"the content of {directory} is not canonical: {error}")
    if not reasons:
        raise DataError(
            f"{directory} holds neither {file.name} nor {file.name}.gz; {listing(directory)}. "
            f"{REMEDY}"
        )
    named = any("reads it" in reason for reason in reasons)
    hint = "" if named else _hint(folders, file, data_set)
    raise DataError(
        f"{'; '.join(reasons)}. {hint}Replace it, or omit the directory to download it."
    )


def _hint(folders: Sequence[Path], file: IdxFile, data_set: DataSet) -> str:
    """Names the data set that the file of labels belongs to; empty if it is unknown."""
    part = "train" if "train" in file.name else "t10k"
    labels = next(other.name for other in data_set.files[1::2] if part in other.name)
    name = finding.recognise(candidates(folders, labels, data_set.prefix), part)
    if name is None or KNOWN[name] == data_set:
        return ""
    return f"Its labels are those of {KNOWN[name].title}: --data-set {name} reads it. "


def _verified(file: IdxFile, stored: bytes, content: bytes) -> bytes:
    """Returns the content if a digest of it, or of the stored bytes, is correct."""
    digests = {digest(stored), digest(content)}
    if digests & {file.sha256, file.archive_sha256} - {None}:
        return verify(file, content)
    if content.lstrip()[:1] == b"<":
        raise DataError("is a web page, not the file: the download failed")
    if (other := owner(digests)) is not None:
        raise DataError(
            f"is not the canonical file but one of {KNOWN[other].title}: --data-set {other} "
            "reads it"
        )
    if file.sha256 is None:
        raise DataError(
            "cannot be verified: its digest is not that of the published gzipped file, "
            f"{file.archive_sha256}, the only known one. {OTHER_SETS}"
        )
    try:
        return verify(file, content)
    except DataError as error:
        raise DataError(f"is not the canonical file: {error}. {OTHER_SETS}") from None
