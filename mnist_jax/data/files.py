"""The four MNIST files, with their names, shapes and digests, and the IDX format.

Every source delivers the bytes of these files, which are verified by the digests below, so the
arrays and their order do not depend on the source.
"""

import gzip
import hashlib
import io
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np

from mnist_jax.errors import UsageError

_UBYTE = 0x08  # the IDX code of unsigned bytes, the only element type in MNIST

LARGEST = 2**30
"""Largest number of bytes read from a file of unknown size."""

_MAX_NDIM = 32  # the largest number in NumPy 1; MNIST needs three

Contents = dict[str, bytes]
"""Decompressed IDX files by file name."""

Report = Callable[[str], None]
"""Function that takes one line about the current operation."""


class DataError(UsageError):
    """Raised when a data set cannot be read; names the file, the reason and the remedy."""


class IdxFile(NamedTuple):
    """Expected content of an IDX file.

    Attributes:
        name: Canonical file name, without ``.gz``.
        shape: Shape of the array of unsigned bytes.
        sha256: Hexadecimal digest of the decompressed file; None if it is unknown.
        archive_sha256: Digest of the published gzipped file; None if it is unknown.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str | None
    archive_sha256: str | None = None

    @property
    def size(self) -> int:
        """Size in bytes: magic number, 4 bytes for each dimension, 1 byte for each element."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)


MNIST_FILES = (
    IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
"""Training images and labels, test images and labels."""


def verify(file: IdxFile, content: bytes) -> bytes:
    """Verifies the size of a decompressed file and, if it is known, the digest.

    Returns:
        The content, unchanged.

    Raises:
        DataError: If the size or the digest differs.
    """
    if len(content) != file.size:
        length = f"{len(content):,} bytes long" if len(content) < file.size else "longer"
        raise DataError(f"{file.name} is {length}, but should have {file.size:,} bytes")
    digest = hashlib.sha256(content).hexdigest()
    if file.sha256 is not None and digest != file.sha256:
        raise DataError(f"{file.name} has SHA-256 {digest} instead of {file.sha256}")
    return content


def read_bytes(path: Path, limit: int = LARGEST) -> bytes:
    """Reads a file, at most one byte more than ``limit``; raises an OSError on failure."""
    with path.open("rb") as stream:
        return stream.read(limit + 1)


def decompress(content: bytes, limit: int = LARGEST) -> bytes:
    """Decompresses gzipped content; returns other content unchanged.

    Args:
        content: Bytes of a file.
        limit: Largest plausible number of decompressed bytes.

    Returns:
        The decompressed bytes, at most one more than ``limit``.

    Raises:
        DataError: If the content is truncated or damaged.
    """
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            return read_limited(cast(IO[bytes], stream), limit)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"is truncated or damaged ({error})") from None


def read_limited(stream: IO[bytes], limit: int) -> bytes:
    """Reads a stream to its end, or to one byte more than ``limit``."""
    parts, remaining = [], limit + 1
    while remaining and (part := stream.read(min(remaining, 2**20))):
        parts.append(part)
        remaining -= len(part)
    return b"".join(parts)


def parse_idx(content: bytes) -> np.ndarray:
    """Reads the array of an IDX file of unsigned bytes.

    Returns:
        Read-only uint8 array, which shares the memory of ``content``.

    Raises:
        DataError: If ``content`` is not such a file.

    Example:
        >>> parse_idx(encode_idx(np.array([[1, 2, 3]], np.uint8)))
        array([[1, 2, 3]], dtype=uint8)
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, _UBYTE]):
        raise DataError(f"not an IDX file of unsigned bytes: it begins with {content[:4]!r}")
    ndim = content[3]
    if ndim > _MAX_NDIM:
        raise DataError(f"an IDX file of {ndim} dimensions: at most {_MAX_NDIM} are supported")
    header = 4 + 4 * ndim
    if len(content) < header:
        raise DataError(f"the IDX header ends after {len(content)} of {header} bytes")
    shape = struct.unpack_from(f">{ndim}I", content, 4)
    if len(content) != header + math.prod(shape):
        raise DataError(f"an IDX file of shape {shape} cannot be {len(content):,} bytes long")
    try:
        return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    except ValueError as error:  # an empty array may have dimensions of any size
        raise DataError(f"an IDX file of shape {shape} is not an array ({error})") from None


def encode_idx(array: np.ndarray) -> bytes:
    """Encodes a uint8 array as an IDX file of unsigned bytes.

    Raises:
        ValueError: If the dtype is not uint8.

    Example:
        >>> encode_idx(np.array([7, 9], np.uint8)).hex(" ", -4)
        '00000801 00000002 0709'
    """
    if array.dtype != np.uint8:
        raise ValueError(f"IDX files of unsigned bytes hold uint8, not {array.dtype}")
    header = struct.pack(f">4B{array.ndim}I", 0, 0, _UBYTE, array.ndim, *array.shape)
    return header + array.tobytes()
