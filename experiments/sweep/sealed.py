"""Tables that can be told from damaged ones and from those of another sweep.

Such a file is an .npy file, which NumPy reads as it is, with a digest after the array.
"""

import hashlib
import io
from pathlib import Path

import numpy as np

from mnist_jax.files import replacing

_SIZE = hashlib.sha256().digest_size


class UnsoundError(Exception):
    """Raised when a file is damaged; the reason is its message."""


class ForeignError(UnsoundError):
    """Raised when a file is sound as far as can be seen, but not what is asked for."""


def write(path: Path, rows: np.ndarray, belongs_to: str) -> None:
    """Keeps a table, whole or not at all.

    Args:
        path: The file.
        rows: The table.
        belongs_to: What it is a part of.
    """
    stream = io.BytesIO()
    np.save(stream, np.asarray(rows))
    content = stream.getvalue()
    with replacing(path) as temporary:
        temporary.write_bytes(content + _digest(content, belongs_to))


def read(path: Path, belongs_to: str) -> np.ndarray:
    """Reads a table that was kept.

    Args:
        path: The file.
        belongs_to: What it is a part of.

    Returns:
        The table.

    Raises:
        UnsoundError: If it is damaged or belongs to something else.
    """
    try:
        content = path.read_bytes()
        rows = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # whatever NumPy makes of damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnsoundError(reason) from None
    if content[-_SIZE:] != _digest(content[:-_SIZE], belongs_to):
        raise ForeignError("its digest is not that of its content in this sweep")
    return rows


def _digest(content: bytes, belongs_to: str) -> bytes:
    return hashlib.sha256(belongs_to.encode() + content).digest()
