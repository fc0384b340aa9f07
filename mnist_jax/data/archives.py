"""Archives that hold all files of a data set: Keras's mnist.npz, and the zip file of EMNIST."""

import hashlib
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from mnist_jax.data.files import (
    LARGEST,
    Contents,
    DataError,
    IdxFile,
    decompress,
    encode_idx,
    read_limited,
    verify,
)
from mnist_jax.data.known import DataSet

ARCHIVE = "gzip.zip"
"""The name under which EMNIST is published."""
KEYS = ("x_train", "y_train", "x_test", "y_test")
"""The arrays of an npz file, as Keras names them."""


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
        if path.is_file():
            made = [encode_idx(array) for array in npz_arrays(path)]
            yield {file.name: content for file, content in zip(files, made, strict=True)}


def npz_arrays(path: Path | IO[bytes], limit: int = LARGEST) -> list[np.ndarray]:
    """The arrays of an npz file, in the order of `KEYS`.

    Args:
        path: The file, or one that is open.
        limit: The most bytes of an array.

    Returns:
        Arrays of uint8.

    Raises:
        DataError: It is damaged or holds something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [_npy_array(archive, f"{key}.npy", limit) for key in KEYS]
    except Exception as error:  # whatever zipfile, zlib and NumPy make of damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path} cannot be read ({reason}); it should hold uint8 arrays named "
            f"{', '.join(KEYS)}. Replace it."
        ) from None


def _npy_array(archive: zipfile.ZipFile, name: str, limit: int) -> np.ndarray:
    """One array, read only if its header says that it is of bytes and not too large.

    `np.load` would make room for what a damaged header says, and unpack objects if it were let.
    """
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, by_column, dtype = read_header(stream)
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "iu" or size > limit:
            raise ValueError(f"{name} is of {dtype} and of shape {shape}")
        content = read_limited(stream, size)
    if len(content) != size:
        raise ValueError(f"{name} has {len(content):,} bytes or more instead of {size:,}")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if by_column else "C")
    if array.size and (array.min() < 0 or array.max() > 255):
        raise ValueError(f"{name} runs from {array.min()} to {array.max()}, not from 0 to 255")
    return array.astype(np.uint8)


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
                content = decompress(archive.read(member), file.size)
                contents[file.name] = verify(file, content)
    except Exception as error:  # as in npz_arrays
        raise DataError(f"{path} cannot be read ({error}). Replace it.") from None
    return {file.name: _upright(file, contents[file.name]) for file in files}


def _upright(file: IdxFile, content: bytes) -> bytes:
    """EMNIST stores images column by column; labels stay as they are."""
    if len(file.shape) == 1:
        return content
    header = len(content) - int(np.prod(file.shape))
    images = np.frombuffer(content, np.uint8, offset=header).reshape(file.shape)
    return content[:header] + images.swapaxes(1, 2).tobytes()
