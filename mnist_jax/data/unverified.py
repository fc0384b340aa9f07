"""Directories of unknown content: IDX files in MNIST's format, without known digests."""

from pathlib import Path

import numpy as np

from mnist_jax.data import archives, directory
from mnist_jax.data.files import LARGEST, Contents, DataError, parse_idx, read_file
from mnist_jax.data.known import MNIST_FILES

_ANY_PREFIX = "([a-z]+-)*"


def read(folder: Path) -> Contents:
    """Reads four IDX files of 28 x 28 images in ten classes, or Keras's npz file, as MNIST's.

    Raises:
        DataError: If a file is missing or ambiguous, or the shapes do not match.
    """
    folders = directory.search_folders(folder, "MNIST")
    from_npz = next(archives.read_npz(folders, MNIST_FILES), None)
    contents = from_npz or {
        file.name: _read_file(folder, folders, file.name) for file in MNIST_FILES
    }
    arrays = [parse_idx(content) for content in contents.values()]
    for name, images, labels in (("training", *arrays[:2]), ("test", *arrays[2:])):
        _check(folder, name, images, labels)
    return contents


def _read_file(folder: Path, folders: list[Path], name: str) -> bytes:
    paths = [*directory.candidates(folders, name, _ANY_PREFIX)]
    if not paths:
        raise DataError(
            f"{folder} holds neither {name} nor {name}.gz; {directory.listing(folder)}."
        )
    stems = {path.name.removesuffix(".gz") for path in paths}
    if len(stems) > 1 and name not in stems:
        raise DataError(
            f"{folder} holds several files that may be {name}: {', '.join(sorted(stems))}; name a "
            "folder with those of one data set."
        )
    reasons = []
    for path in paths:
        try:
            _, content = read_file(path)
            if len(content) > LARGEST:
                raise DataError(f"has more than {LARGEST:,} bytes")
            parse_idx(content)
        except DataError as error:
            reasons.append(f"{path}: {error}")
        else:
            return content
    raise DataError(f"{'; '.join(reasons)}. Replace it.")


def _check(folder: Path, name: str, images: np.ndarray, labels: np.ndarray) -> None:
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or not len(labels):
        raise DataError(
            f"{folder}: the {name} images have shape {images.shape} and the labels {labels.shape}; "
            "there must be 28 x 28 pixels and one label for each image. For other sizes, use "
            "mnist_jax.data.Split.of in Python."
        )
    if labels.max() > 9:
        raise DataError(
            f"{folder}: the {name} labels range to {labels.max()}; the experiments have ten "
            "classes, 0 to 9. For more, use mnist_jax.data.Split.of in Python."
        )
