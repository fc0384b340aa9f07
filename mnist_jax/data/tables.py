"""MNIST as a CSV table: one row for each image, its label first, then its 784 pixels."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np

from mnist_jax.data.files import LARGEST, Contents, DataError, IdxFile, encode_idx
from mnist_jax.errors import one_line

NAMES = ("mnist_train.csv", "mnist_test.csv")
"""Usual file names of the tables of training and test images."""


def read(folders: Sequence[Path], files: Sequence[IdxFile]) -> list[Contents]:
    """Reads the tables in each folder that has both, as IDX files that are not yet verified."""
    pairs = ([folder / name for name in NAMES] for folder in folders)
    return [_read_pair(pair, files) for pair in pairs if all(path.is_file() for path in pair)]


def _read_pair(paths: Sequence[Path], files: Sequence[IdxFile]) -> Contents:
    contents = {}
    for path, images, labels in zip(paths, files[::2], files[1::2], strict=True):
        try:
            if path.stat().st_size > LARGEST:
                raise DataError(f"is larger than {LARGEST:,} bytes")
            with path.open("rb") as stream:
                contents |= parse(stream, images, labels)
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror})") from None
        except DataError as error:
            raise DataError(f"{path} {error}. Replace it.") from None
    return contents


def parse(stream: IO[bytes], images: IdxFile, labels: IdxFile) -> Contents:
    """Converts a table, with or without a header row, to IDX files that are not yet verified.

    Raises:
        DataError: If the stream is not such a table.
    """
    columns = 1 + int(np.prod(images.shape[1:]))
    try:
        table = _table(stream)
    except Exception as error:  # any exception of zipfile and NumPy on damaged bytes
        reason = one_line(error)[:200]
        raise DataError(f"is not a table of numbers from 0 to 255 ({reason})") from None
    if table.shape[1] != columns:
        raise DataError(f"has {table.shape[1]} columns instead of a label and {columns - 1} pixels")
    pixels = table[:, 1:].reshape(-1, *images.shape[1:])
    return {images.name: encode_idx(pixels), labels.name: encode_idx(table[:, 0])}


def _table(stream: IO[bytes]) -> np.ndarray:
    first = stream.readline()
    if not first[:1].isdigit():  # the names of the columns
        first = stream.readline()
    if not first.strip():
        raise ValueError("it has no rows")
    rows = chain([first], stream)
    return np.loadtxt(rows, np.uint8, delimiter=",", comments=None, ndmin=2, encoding="latin1")
