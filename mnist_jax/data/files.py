"""The four files that are MNIST: their names, shapes and digests, and the IDX format.

Every source delivers the bytes of these files and every byte is checked against the digests below,
so the arrays, and their order, are the same wherever the data came from.
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

_UBYTE = 0x08  # the IDX code of unsigned bytes, the only element type that MNIST uses

LARGEST = 2**30
"""The most bytes that are read of a file whose size is not known."""

_MAX_NDIM = 32  # NumPy 1 has arrays of no more dimensions, and MNIST needs three

Contents = dict[str, bytes]
"""Decompressed IDX files, keyed by file name."""

Report = Callable[[str], None]
"""Takes one line on what is being done."""


class DataError(UsageError):
    """Raised when a data set cannot be read; names the place, the reason and the remedy."""


class IdxFile(NamedTuple):
    """What an IDX file must contain.

    Attributes:
        name: Canonical file name, without ``.gz``.
        shape: Shape of its array of unsigned bytes.
        sha256: Digest of the whole decompressed file, in hexadecimal; None if it is not known.
        archive_sha256: Digest of the gzipped file as it was published; None if it is not known.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str | None
    archive_sha256: str | None = None

    @property
    def size(self) -> int:
        """Size in bytes: magic number, one 32-bit integer a dimension, one byte an element."""
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
"""In the order in which they are loaded: training images and labels, test images and labels."""


def verify(file: IdxFile, content: bytes) -> bytes:
    """Checks that ``content`` is, byte for byte, the canonical file, as far as that is known.

    Args:
        file: What the file must contain.
        content: The decompressed file.

    Returns:
        ``content``, unchanged.

    Raises:
        DataError: The size or the digest differs.
    """
    if len(content) != file.size:
        found = f"{len(content):,} bytes long" if len(content) < file.size else "longer"
        raise DataError(f"{file.name} is {found}, but should have {file.size:,} bytes")
    digest = hashlib.sha256(content).hexdigest()
    if file.sha256 is not None and digest != file.sha256:
        raise DataError(f"{file.name} has SHA-256 {digest} instead of {file.sha256}")
    return content


def read_bytes(path: Path, limit: int = LARGEST) -> bytes:
    """Reads a file, but no more than a little over ``limit`` bytes of it.

    Args:
        path: The file.
        limit: The most bytes that it may sensibly have.

    Returns:
        Its bytes, one more than ``limit`` if it has more.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return stream.read(limit + 1)


def decompress(content: bytes, limit: int = LARGEST) -> bytes:
    """What is gzipped in ``content``, whatever the file is called; other content as it is.

    Args:
        content: A file's bytes.
        limit: The most bytes that it may sensibly have when it is decompressed.

    Returns:
        The decompressed bytes, one more than ``limit`` if there are more.

    Raises:
        DataError: The content is truncated or damaged.
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
    parts, left = [], limit + 1
    while left and (part := stream.read(min(left, 2**20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def parse_idx(content: bytes) -> np.ndarray:
    """Reads the array of an IDX file of unsigned bytes.

    Args:
        content: The decompressed file.

    Returns:
        uint8 array; it shares the memory of ``content``, so it is read-only.

    Raises:
        DataError: ``content`` is not such a file.

    Example:
        >>> parse_idx(encode_idx(np.array([[1, 2, 3]], np.uint8)))
        array([[1, 2, 3]], dtype=uint8)
    """
    if len(content) < 4 or content[:3] != bytes([0, 0, _UBYTE]):
        raise DataError(f"not an IDX file of unsigned bytes: it begins with {content[:4]!r}")
    ndim = content[3]
    if ndim > _MAX_NDIM:
        raise DataError(f"an IDX file of {ndim} dimensions: there may be {_MAX_NDIM}")
    header = 4 + 4 * ndim
    if len(content) < header:
        raise DataError(f"the IDX header ends after {len(content)} of {header} bytes")
    shape = struct.unpack_from(f">{ndim}I", content, 4)
    if len(content) != header + math.prod(shape):
        raise DataError(f"an IDX file of shape {shape} cannot be {len(content):,} bytes long")
    try:
        return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    except ValueError as error:  # an empty array may have dimensions of any size
        raise DataError(f"an IDX file of shape {shape} is no array ({error})") from None


def encode_idx(array: np.ndarray) -> bytes:
    """Writes an array as an IDX file of unsigned bytes.

    Args:
        array: uint8 array of any shape.

    Returns:
        The file's bytes.

    Raises:
        ValueError: ``array`` is not of dtype uint8.

    Example:
        >>> encode_idx(np.array([7, 9], np.uint8)).hex(" ", -4)
        '00000801 00000002 0709'
    """
    if array.dtype != np.uint8:
        raise ValueError(f"IDX files of unsigned bytes hold uint8, not {array.dtype}")
    header = struct.pack(f">4B{array.ndim}I", 0, 0, _UBYTE, array.ndim, *array.shape)
    return header + array.tobytes()
