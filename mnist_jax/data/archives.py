"""Archives that contain all files of a data set: Keras's mnist.npz, and EMNIST's zip file."""

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
from mnist_jax.errors import one_line

ARCHIVE = "gzip.zip"
"""File name of the published EMNIST archive."""
KEYS = ("x_train", "y_train", "x_test", "y_test")
"""Names of the arrays in an npz file, as in Keras."""


def read_npz(folders: Sequence[Path], files: Sequence[IdxFile]) -> Iterator[Contents]:
    """Yields the arrays of Keras's ``mnist.npz`` as IDX files, neither unpickled nor verified."""
    for path in (folder / "mnist.npz" for folder in folders):
        if path.is_file():
            contents = [encode_idx(array) for array in npz_arrays(path)]
            yield {file.name: content for file, content in zip(files, contents, strict=True)}


def npz_arrays(path: Path | IO[bytes], limit: int = LARGEST) -> list[np.ndarray]:
    """Reads the uint8 arrays of an npz file, each of at most `limit` bytes, as in `KEYS`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_npy_array(archive, f"{key}.npy", limit) for key in KEYS]
    except Exception as error:  # any exception of zipfile, zlib and NumPy on damaged bytes
        raise DataError(
            f"{path} cannot be read ({one_line(error)}); it should contain uint8 arrays named "
            f"{', '.join(KEYS)}. Replace it."
        ) from None


def _npy_array(archive: zipfile.ZipFile, name: str, limit: int) -> np.ndarray:
    """Reads one array if its header declares integers and a size within the limit.

    `np.load` would allocate the size in a damaged header.
    """
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "iu" or size > limit:
            raise ValueError(f"{name} has dtype {dtype} and shape {shape}")
        content = read_limited(stream, size)
    if len(content) != size:
        raise ValueError(f"{name} has {len(content):,} or more bytes instead of {size:,}")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")
    if array.size and (array.min() < 0 or array.max() > 255):
        raise ValueError(f"{name} ranges from {array.min()} to {array.max()}, not from 0 to 255")
    return array.astype(np.uint8)


def read_verified(
    directory: Path, folders: Sequence[Path], files: Sequence[IdxFile], data_set: DataSet
) -> Contents:
    """Reads the files from the published archive of a data set, verified by its digest."""
    path = next((folder / ARCHIVE for folder in folders if (folder / ARCHIVE).is_file()), None)
    if path is None:
        raise DataError(
            f"{directory} holds no {ARCHIVE}, the published archive of {data_set.title}; no other "
            "digest is known. Put it there, or read the files without verification with "
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
    """Reads gzipped IDX files from EMNIST's verified archive; transposes the images as in MNIST."""
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
    """Transposes images, which EMNIST stores by column; returns labels unchanged."""
    if len(file.shape) == 1:
        return content
    header = len(content) - int(np.prod(file.shape))
    images = np.frombuffer(content, np.uint8, offset=header).reshape(file.shape)
    return content[:header] + images.swapaxes(1, 2).tobytes()
