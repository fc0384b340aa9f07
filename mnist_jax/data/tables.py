"""MNIST as a table in CSV: a row for each image, its label first, then its 784 pixels."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np

from mnist_jax.data.files import LARGEST, Contents, DataError, IdxFile, encode_idx

NAMES = ("mnist_train.csv", "mnist_test.csv")
"""What the tables of training and test images are called where people download them."""


def read(places: Sequence[Path], files: Sequence[IdxFile]) -> list[Contents]:
    """Reads the tables that are called `NAMES`.

    Args:
        places: Folders to look in.
        files: Training images and labels, then test images and labels.

    Returns:
        For each place that has both, the IDX files that they make, not yet verified.

    Raises:
        DataError: There are such tables, but they are damaged or hold something else.
    """
    found = []
    for paths in ([place / name for name in NAMES] for place in places):
        if all(path.is_file() for path in paths):
            found.append(_read_pair(paths, files))
    return found


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
    """Makes the IDX files of images and labels from a table.

    Args:
        stream: The table; a row of names may come first.
        images: What the file of images is called, and the shape of an image.
        labels: What the file of labels is called.

    Returns:
        The two files, not yet verified.

    Raises:
        DataError: It is no such table.
    """
    columns = 1 + int(np.prod(images.shape[1:]))
    try:
        table = _table(stream)
    except Exception as error:  # whatever the zip file around it or NumPy makes of damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"is no table of numbers from 0 to 255 ({reason[:200]})") from None
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
