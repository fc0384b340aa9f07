"""Archives that hold all files of a data set: Keras's mnist.npz, and the zip file of EMNIST."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mnist_jax.data.files import Contents, DataError, IdxFile, encode_idx, verify
from mnist_jax.data.known import DataSet

ARCHIVE = "gzip.zip"
"""The name under which EMNIST is published."""
_KEYS = ("x_train", "y_train", "x_test", "y_test")


def read_npz(places: Sequence[Path], files: Sequence[IdxFile]) -> Iterator[Contents]:
    """Reads Keras's ``mnist.npz``, which is never unpickled.

    Args:
        places: Folders to look in.
        files: Training images and labels, then test images and labels.

    Yields:
        The IDX files that the arrays make, not yet verified.

    Raises:
        DataError: There is such a file, but it is damaged or holds something else.
    """
    for path in (place / "mnist.npz" for place in places):
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                made = [encode_idx(arrays[key]) for key in _KEYS]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{path} cannot be read ({reason}); it should hold uint8 arrays named "
                f"{', '.join(_KEYS)}. Replace it."
            ) from None
        yield {file.name: content for file, content in zip(files, made, strict=True)}


def read_verified(
    folder: Path, places: Sequence[Path], files: Sequence[IdxFile], data_set: DataSet
) -> Contents:
    """Reads the files from the archive that a data set is published in, if its digest is right.

    Args:
        folder: The directory that the user named, for messages.
        places: Folders to look in.
        files: The files wanted.
        data_set: Says what the digest of the archive is.

    Returns:
        Their decompressed bytes.

    Raises:
        DataError: There is no such archive, or it is not the one that was published.
    """
    path = next((place / ARCHIVE for place in places if (place / ARCHIVE).is_file()), None)
    if path is None:
        raise DataError(
            f"{folder} holds no {ARCHIVE}, the archive in which {data_set.title} is published; its "
            "digest is the only one known. Put it there, or read the files as they are with "
            "data_set='unverified' (--data-set unverified)."
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != data_set.archive_sha256:
        raise DataError(
            f"{path} has SHA-256 {digest} instead of {data_set.archive_sha256}. Replace it."
        )
    return read_members(path, files)


def read_members(path: Path, files: Sequence[IdxFile]) -> Contents:
    """Reads gzipped IDX files from EMNIST's archive, whose digest is known to be right.

    Args:
        path: The archive.
        files: The files wanted.

    Returns:
        Their decompressed bytes, each image turned upright as in MNIST.

    Raises:
        DataError: A file is missing or damaged.
    """
    contents = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for file in files:
                member = f"gzip/{file.name.replace('t10k', 'test')}.gz"
                contents[file.name] = verify(file, gzip.decompress(archive.read(member)))
    except (OSError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read ({error}). Replace it.") from None
    return {file.name: _upright(file, contents[file.name]) for file in files}


def _upright(file: IdxFile, content: bytes) -> bytes:
    """EMNIST stores images column by column; labels stay as they are."""
    if len(file.shape) == 1:
        return content
    header = len(content) - int(np.prod(file.shape))
    images = np.frombuffer(content, np.uint8, offset=header).reshape(file.shape)
    return content[:header] + images.swapaxes(1, 2).tobytes()
