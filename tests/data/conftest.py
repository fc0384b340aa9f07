"""Fixtures of the tests of data: an empty folder, served by a server on this machine."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mnist_jax.data import IdxFile, known


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    return path


@pytest.fixture
def base_url(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address at which the folder is served."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def small_mnist(
    tmp_path: Path, small_files: tuple[IdxFile, ...], monkeypatch: pytest.MonkeyPatch
) -> known.DataSet:
    """MNIST with the small stand-ins, an empty cache, and no directory."""
    data_set = known.MNIST._replace(files=small_files)
    monkeypatch.setitem(known.KNOWN, "mnist", data_set)
    monkeypatch.setenv("MNIST_JAX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("MNIST_JAX_DATA_DIR", raising=False)
    return data_set
