"""MNIST and similar data sets by the download manager of TensorFlow Datasets, without TensorFlow.

``tfds.load("mnist")`` is not suitable: it sorts the examples by a salted hash and needs TensorFlow.
"""

import contextlib
import importlib
import os
import queue
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from mnist_jax.data import archives
from mnist_jax.data.files import Contents, DataError, IdxFile, Report, decompress, verify
from mnist_jax.data.known import DataSet
from mnist_jax.errors import one_line

_BUILDERS = "tensorflow_datasets.image_classification.mnist"


def fetch(data_set: DataSet, report: Report) -> Contents:
    """Downloads a data set from the address that TensorFlow Datasets registers, and verifies it.

    Raises:
        DataError: If TensorFlow Datasets cannot be imported, its host cannot be reached, or the
            download fails.
    """
    try:  # imported only here, because the import is slow
        builder = getattr(importlib.import_module(_BUILDERS), data_set.builder)
    except Exception as error:  # of any type, for example of a mismatched protobuf
        raise DataError(f"TensorFlow Datasets cannot be imported ({error})") from error
    in_archive = data_set.archive_sha256 is not None
    url = builder.URL if in_archive else urljoin(builder.URL, f"{data_set.files[-1].name}.gz")
    require_answer(url)
    report(f"tfds: downloading {data_set.title} from {urlsplit(url).hostname}")
    if in_archive:
        with _downloaded({"archive": url}, builder.url_infos) as paths:
            return archives.read_members(Path(paths["archive"]), data_set.files)
    return download(data_set.files, builder.URL, builder.url_infos)


def require_answer(url: str, timeout: float = 3.0) -> None:
    """Raises a DataError if a URL cannot be reached, before the download manager retries."""
    reasons: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # Name resolution has no timeout, so it runs in a daemon thread, which can be left behind.
    threading.Thread(target=lambda: reasons.put(_refusal(url, timeout)), daemon=True).start()
    try:
        reason = reasons.get(timeout=timeout)
    except queue.Empty:
        reason = f"no answer in {timeout:g} seconds"
    if reason is not None:
        raise DataError(f"cannot reach {urlsplit(url).hostname} ({reason})")


def download(files: Sequence[IdxFile], base_url: str, url_infos: dict[str, Any] | None) -> Contents:
    """Downloads gzipped files from a folder, and verifies them.

    ``url_infos`` holds a ``UrlInfo`` (size and SHA-256 of the gzipped file) for each address.
    """
    urls = {file.name: urljoin(base_url, f"{file.name}.gz") for file in files}
    with _downloaded(urls, url_infos) as paths:
        return {
            file.name: verify(file, decompress(Path(paths[file.name]).read_bytes(), file.size))
            for file in files
        }


@contextlib.contextmanager
def _downloaded(
    urls: dict[str, str], url_infos: dict[str, Any] | None
) -> Iterator[Mapping[str, os.PathLike]]:
    """Downloads files to a temporary folder, and yields their paths by the same names."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    # After a failure, a thread of the manager may still write while the folder is removed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        manager = tfds.download.DownloadManager(download_dir=folder, url_infos=url_infos)
        try:
            paths = {name: manager.download(url) for name, url in urls.items()}
        except Exception as error:  # of many libraries; in any case there is a next source
            raise DataError(f"the download failed ({_root_cause(error)})") from error
        yield paths


def _refusal(url: str, timeout: float) -> str | None:
    import requests  # as in the download manager, so proxies and certificates are the same

    try:
        requests.head(url, timeout=timeout).raise_for_status()
    except (OSError, ValueError) as error:
        return _root_cause(error)
    return None


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return one_line(error)
