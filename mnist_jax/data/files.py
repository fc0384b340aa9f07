"""Files of a data set: their names, shapes and digests, and the IDX format.

Every source delivers the bytes of these files, which are verified by digests, so the arrays and
their order do not depend on the source.
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

_GZIP_OVERHEAD = 2**16  # bytes that gzip may add to incompressible data

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


def verify(file: IdxFile, content: bytes) -> bytes:
    """Returns the content; raises a DataError if its size or a known digest differs."""
    if len(content) != file.size:
        length = f"{len(content):,} bytes long" if len(content) < file.size else "longer"
        raise DataError(f"{file.name} is {length}, but should have {file.size:,} bytes")
    if file.sha256 not in (None, found := digest(content)):
        raise DataError(f"{file.name} has SHA-256 {found} instead of {file.sha256}")
    return content


def digest(content: bytes) -> str:
    """Returns the hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def read_file(path: Path, limit: int = LARGEST) -> tuple[bytes, bytes]:
    """Reads a file as stored and decompressed, hardly more than ``limit`` bytes of either.

    Raises:
        DataError: If the file cannot be read or decompressed; it does not name the file.
    """
    try:
        with path.open("rb") as stream:
            stored = stream.read(limit + _GZIP_OVERHEAD)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})") from None
    return stored, decompress(stored, limit)


def decompress(content: bytes, limit: int = LARGEST) -> bytes:
    """Decompresses gzipped content to at most one byte more than ``limit``; keeps other content.

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
    """Reads an IDX file of unsigned bytes as a read-only array, which shares its memory.

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
