"""The download manager of TensorFlow Datasets, with a server on this machine."""

import gzip
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from tensorflow_datasets.core.download.checksums import compute_url_info
from tensorflow_datasets.image_classification.mnist import MNIST

from mnist_jax.data import DataError, IdxFile, known, tfds
from mnist_jax.data.files import Contents

Files = tuple[IdxFile, ...]


@pytest.fixture
def served(folder: Path, small_contents: Contents) -> Path:
    """The served folder, filled with the stand-ins."""
    for name, content in small_contents.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


def _url_infos(served: Path, base_url: str) -> dict[str, Any]:
    return {f"{base_url}{path.name}": compute_url_info(path) for path in served.iterdir()}


def test_tfds_downloads_in_silence(
    served: Path,
    base_url: str,
    small_files: Files,
    small_contents: Contents,
    capfd: pytest.CaptureFixture[str],
):
    contents = tfds.download(small_files, base_url, _url_infos(served, base_url))
    assert contents == small_contents
    assert capfd.readouterr() == ("", "")


def test_tfds_checks_the_registered_digest(served: Path, base_url: str, small_files: Files):
    url_infos = _url_infos(served, base_url)
    (served / f"{small_files[1].name}.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(DataError, match=r"the download failed \(Artifact .* wrong checksum"):
        tfds.download(small_files, base_url, url_infos)


def test_tfds_content_is_checked_against_our_digest(
    served: Path, base_url: str, small_files: Files
):
    (served / f"{small_files[1].name}.gz").write_bytes(gzip.compress(b"another"))
    with pytest.raises(DataError, match=f"{small_files[1].name} is 7 bytes long"):
        tfds.download(small_files, base_url, _url_infos(served, base_url))


def test_tfds_file_missing_on_the_server(served: Path, base_url: str, small_files: Files):
    (served / f"{small_files[2].name}.gz").unlink()
    with pytest.raises(DataError, match=r"the download failed \(.* HTTP code: 404"):
        tfds.download(small_files, base_url, None)


def test_tfds_fetches_from_its_registered_address(
    served: Path,
    base_url: str,
    small_mnist,
    small_contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
):
    registered = {url.rsplit("/", 1)[0] + "/" for url in MNIST.url_infos or ()}
    assert registered == {MNIST.URL}
    monkeypatch.setattr(MNIST, "URL", base_url)
    reports: list[str] = []
    assert tfds.fetch(small_mnist, reports.append) == small_contents
    assert reports == ["tfds: downloading MNIST from 127.0.0.1"]


def test_a_host_that_answers_is_reachable(served: Path, base_url: str, small_files: Files):
    tfds.require_answer(f"{base_url}{small_files[0].name}.gz")


def test_a_refusal_counts_as_unreachable(base_url: str):
    with pytest.raises(DataError, match=r"cannot reach 127.0.0.1 \(404 Client Error"):
        tfds.require_answer(f"{base_url}absent.gz")


def test_a_closed_port_is_unreachable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as bound:  # bound but not listening: it refuses
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        with pytest.raises(DataError, match=r"cannot reach 127.0.0.1 \(.*refused"):
            tfds.require_answer(url)


def test_a_host_that_never_answers_is_unreachable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections, never answers
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(DataError, match=r"cannot reach 127.0.0.1 \((no answer|.*timed out)"):
            tfds.require_answer(url, timeout=0.2)


def test_a_name_that_never_resolves_is_given_up_in_five_seconds(monkeypatch: pytest.MonkeyPatch):
    released = threading.Event()

    def hang(url: str, timeout: float) -> None:  # as resolving may, whatever the timeout
        released.wait(60)
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "head", hang)
    begin = time.monotonic()
    with pytest.raises(DataError, match=r"cannot reach .* \(no answer in 3 seconds\)"):
        tfds.fetch(known.MNIST, print)
    assert time.monotonic() - begin < 5
    released.set()


def test_tfds_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets.image_classification.mnist", None)
    with pytest.raises(DataError, match="TensorFlow Datasets cannot be imported"):
        tfds.fetch(known.MNIST, print)


def test_tfds_is_imported_only_when_needed():
    code = "import sys, mnist_jax.data; sys.exit('tensorflow_datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
