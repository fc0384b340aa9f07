"""Tables with a digest, which reveals damage and tables of another sweep.

A file is an .npy file, which NumPy reads as usual, with a digest after the array.
"""

import hashlib
import io
from pathlib import Path

import numpy as np

from mnist_jax.files import replacing

_SIZE = hashlib.sha256().digest_size


class DamagedError(Exception):
    """Raised when a file is damaged; its message is the reason."""


class OtherSweepError(DamagedError):
    """Raised when a file is readable but its digest does not match the sweep."""


def write(path: Path, rows: np.ndarray, sweep: str) -> None:
    """Writes a table atomically, with a digest of its content and of the identity of its sweep."""
    stream = io.BytesIO()
    np.save(stream, np.asarray(rows))
    content = stream.getvalue()
    with replacing(path) as temporary:
        temporary.write_bytes(content + _digest(content, sweep))


def read(path: Path, sweep: str) -> np.ndarray:
    """Reads a table; raises a DamagedError if it is damaged or belongs to another sweep."""
    try:
        content = path.read_bytes()
        rows = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # any exception of NumPy on damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DamagedError(reason) from None
    if content[-_SIZE:] != _digest(content[:-_SIZE], sweep):
        raise OtherSweepError("its digest does not match its content in this sweep")
    return rows


def _digest(content: bytes, sweep: str) -> bytes:
    return hashlib.sha256(sweep.encode() + content).digest()
