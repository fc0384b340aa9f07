"""Fashion-MNIST, KMNIST and EMNIST digits from the cache or from TensorFlow Datasets.

The digests that are known of them are those of the archives that are downloaded. So the cache keeps
the digests of the decompressed files beside them, from the moment at which an archive was verified.
"""

import hashlib
import json
from pathlib import Path

from mnist_jax.data import cache, tfds
from mnist_jax.data.files import Contents, DataError, Report
from mnist_jax.data.known import KNOWN, DataSet

_DIGESTS = "sha256.json"


def cached_or_downloaded(name: str, source: str, report: Report) -> tuple[str, Contents]:
    """Reads a data set other than MNIST from the cache, or downloads it and fills the cache.

    Args:
        name: Name of the data set.
        source: ``"auto"``, ``"cache"`` or ``"tfds"``.
        report: Takes one line on each thing that is tried.

    Returns:
        The source that had it, and its files.

    Raises:
        DataError: None has it.
    """
    data_set, folder = KNOWN[name], cache.default_folder() / name
    if source == "package":
        raise DataError(f"source='package' has MNIST only, not {data_set.title}")
    with cache.lock(folder, report):
        reasons = []
        if source in ("auto", "cache"):
            try:
                contents = _read(folder, data_set)
                report(f"cache: reading {folder}")
                return "cache", contents
            except DataError as error:
                reasons.append(f"cache: {error}")
                report(reasons[-1])
        if source in ("auto", "tfds"):
            try:
                contents = tfds.fetch_set(data_set, report)
                _write(folder, contents, report)
                return "tfds", contents
            except DataError as error:
                reasons.append(f"tfds: {error}")
                report(reasons[-1])
    lines = [f"{data_set.title} could not be loaded:", *reasons]
    raise DataError("\n  ".join(lines) + f"\n{remedy(data_set)}")


def remedy(data_set: DataSet) -> str:
    """What to do where a data set cannot be downloaded."""
    if data_set.archive_sha256 is not None:
        files = "the archive gzip.zip as it was published"
    else:
        files = ", ".join(f"{file.name}.gz" for file in data_set.files)
    return (
        f"Name a directory that holds {files}, by data_dir (--data-dir) or by the environment "
        "variable MNIST_JAX_DATA_DIR."
    )


def _read(folder: Path, data_set: DataSet) -> Contents:
    try:
        digests = json.loads((folder / _DIGESTS).read_bytes())
    except FileNotFoundError:
        raise DataError(f"no {data_set.title} in {folder}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / _DIGESTS} cannot be read ({error})") from None
    files = [file._replace(sha256=digests.get(file.name, "")) for file in data_set.files]
    return cache.read(folder, files)


def _write(folder: Path, contents: Contents, report: Report) -> None:
    cache.write(folder, contents, report)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    cache.write(folder, {_DIGESTS: json.dumps(digests, indent=1).encode()}, lambda line: None)
