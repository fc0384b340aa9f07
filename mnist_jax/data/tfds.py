"""MNIST and its like through the download manager of TensorFlow Datasets, without TensorFlow.

``tfds.load("mnist")`` would not do: it sorts the examples by a salted hash and needs TensorFlow.
"""

import contextlib
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


def fetch(files: Sequence[IdxFile], report: Report) -> Contents:
    """Downloads the files from the address that TensorFlow Datasets registers for MNIST.

    Args:
        files: The files wanted.
        report: Takes a line when the download begins.

    Returns:
        Their decompressed bytes, verified.

    Raises:
        DataError: TensorFlow Datasets cannot be imported, its host cannot be reached, or the
            download failed.
    """
    try:  # imported only here, because it is slow
        from tensorflow_datasets.image_classification.mnist import MNIST
    except Exception as error:  # or whatever a mismatched protobuf raises
        raise DataError(f"TensorFlow Datasets cannot be imported ({error})") from error
    require_answer(urljoin(MNIST.URL, f"{files[-1].name}.gz"))
    report(f"tfds: downloading from {urlsplit(MNIST.URL).hostname}")
    return download(files, MNIST.URL, MNIST.url_infos)


def fetch_set(data_set: DataSet, report: Report) -> Contents:
    """Downloads another data set from the address that TensorFlow Datasets registers for it.

    Args:
        data_set: The data set.
        report: Takes a line when the download begins.

    Returns:
        Its decompressed files; the registered digests of what was downloaded are verified.

    Raises:
        DataError: TensorFlow Datasets cannot be imported, its host cannot be reached, or the
            download failed.
    """
    try:
        from tensorflow_datasets.image_classification import mnist as registered
    except Exception as error:
        raise DataError(f"TensorFlow Datasets cannot be imported ({error})") from error
    builder = getattr(registered, data_set.builder)
    alone = data_set.archive_sha256 is None
    url = urljoin(builder.URL, f"{data_set.files[-1].name}.gz") if alone else builder.URL
    require_answer(url)
    report(f"tfds: downloading {data_set.title} from {urlsplit(url).hostname}")
    if alone:
        return download(data_set.files, builder.URL, builder.url_infos)
    return download_archive(data_set.files, url, builder.url_infos)


def require_answer(url: str, timeout: float = 3.0) -> None:
    """Finds out whether a URL can be had, before the download manager retries for minutes.

    Args:
        url: Address to ask for, through the proxy that the environment names, if any.
        timeout: Longest wait in seconds.

    Raises:
        DataError: No answer came in time, or it was a refusal.
    """
    reasons: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    # Resolving a name has no timeout of its own; a daemon thread can be left behind with it.
    threading.Thread(target=lambda: reasons.put(_refusal(url, timeout)), daemon=True).start()
    try:
        reason = reasons.get(timeout=timeout)
    except queue.Empty:
        reason = f"no answer in {timeout:g} seconds"
    if reason is not None:
        raise DataError(f"cannot reach {urlsplit(url).hostname} ({reason})")


def download(files: Sequence[IdxFile], base_url: str, url_infos: dict[str, Any] | None) -> Contents:
    """Downloads gzipped files with the download manager of TensorFlow Datasets.

    Args:
        files: The files wanted.
        base_url: Address of the folder that holds them, with a slash at its end.
        url_infos: ``UrlInfo`` (size and SHA-256 of the gzipped file) of each address.

    Returns:
        The decompressed bytes, verified.

    Raises:
        DataError: The download failed.
    """
    urls = {file.name: urljoin(base_url, f"{file.name}.gz") for file in files}
    with _downloaded(urls, url_infos) as paths:
        return {
            file.name: verify(file, decompress(Path(paths[file.name]).read_bytes(), file.size))
            for file in files
        }


def download_archive(
    files: Sequence[IdxFile], url: str, url_infos: dict[str, Any] | None
) -> Contents:
    """Downloads one archive that holds all files.

    Args:
        files: The files wanted.
        url: Address of the archive.
        url_infos: ``UrlInfo`` (size and SHA-256) of that address.

    Returns:
        The decompressed bytes.

    Raises:
        DataError: The download failed, or the archive lacks a file.
    """
    with _downloaded({"archive": url}, url_infos) as paths:
        return archives.read_members(Path(paths["archive"]), files)


@contextlib.contextmanager
def _downloaded(
    urls: dict[str, str], url_infos: dict[str, Any] | None
) -> Iterator[Mapping[str, os.PathLike]]:
    """What the download manager downloads to a temporary folder, by the same names."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    # After a failure, a thread of the manager may still be writing while the folder is removed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        manager = tfds.download.DownloadManager(download_dir=folder, url_infos=url_infos)
        try:
            paths = {name: manager.download(url) for name, url in urls.items()}
        except Exception as error:  # of many libraries; whatever it is, there is a next source
            raise DataError(f"the download failed ({_root_cause(error)})") from error
        yield paths


def _refusal(url: str, timeout: float) -> str | None:
    import requests  # what the download manager asks with, so proxies and certificates are the same

    try:
        requests.head(url, timeout=timeout).raise_for_status()
    except (OSError, ValueError) as error:
        return _root_cause(error)
    return None


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split()) or type(error).__name__
