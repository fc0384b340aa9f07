"""The cache, with several processes and with faults."""

import errno
import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from timeit import repeat

import numpy as np
import pytest

from mnist_jax.data import MNIST_FILES, DataError, IdxFile, Mnist, cache, known, load, tfds
from mnist_jax.data.files import Contents, encode_idx

# Children start afresh, because forking a process that has run JAX may deadlock.
_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE = 60  # seconds until a child that hangs fails its test


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, small_mnist) -> Path:
    """The empty cache of the small stand-ins."""
    return tmp_path / "cache"


@pytest.fixture
def downloads(small_contents: Contents, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one at each download, which does not use the network."""
    log: list[str] = []

    def fetch(data_set, report) -> Contents:
        log.append("tfds")
        return small_contents

    monkeypatch.setattr(tfds, "fetch", fetch)
    return log


def _arrays(mnist: Mnist) -> tuple[np.ndarray, ...]:
    return (*mnist.train, *mnist.test)


def test_downloaded_once_then_read_from_the_cache(folder: Path, downloads: list[str]):
    reports: list[str] = []
    assert [load(report=reports.append).source for _ in range(3)] == ["tfds", "cache", "cache"]
    assert downloads == ["tfds"]
    assert reports == [
        f"cache: no train-images-idx3-ubyte in {folder}",
        f"cache: stored the data in {folder}",
        f"cache: reading {folder}",
        f"cache: reading {folder}",
    ]


def test_cached_arrays_equal_downloaded_ones(downloads: list[str]):
    downloaded, cached = load(), load()
    assert (downloaded.source, cached.source) == ("tfds", "cache")
    for one, other in zip(_arrays(downloaded), _arrays(cached), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_an_explicit_source_is_used_although_the_cache_is_full(downloads: list[str]):
    assert [load(source="tfds").source for _ in range(2)] == ["tfds", "tfds"]
    assert load(source="cache").source == "cache"


def test_a_full_cache_is_read_without_the_lock(folder: Path, downloads: list[str]):
    load()
    with cache.lock(folder, print):
        assert load().source == "cache"


def test_an_empty_cache_alone_is_an_error(folder: Path):
    with pytest.raises(DataError, match=rf"no train-images-idx3-ubyte in {folder}"):
        load(source="cache")


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_reported_in_one_line_and_replaced(
    damage: bytes | None, folder: Path, small_contents: Contents, downloads: list[str]
):
    load()
    path = folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[::-1] if damage is None else damage)
    reports: list[str] = []
    assert load(report=reports.append).source == "tfds"
    assert reports[0].startswith(f"cache: damaged data in {folder}: {path.name} ")
    assert "\n" not in reports[0]
    assert path.read_bytes() == small_contents[path.name]
    assert load().source == "cache"


def test_a_folder_that_cannot_be_made_leaves_the_data_usable(
    tmp_path: Path, downloads: list[str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MNIST_JAX_CACHE_DIR", str(tmp_path / "file" / "cache"))
    reports: list[str] = []
    assert load(report=reports.append).source == "tfds"
    assert [line for line in reports if "cannot be stored" in line] == reports[-1:]


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_failing_write_leaves_the_data_usable_and_no_debris(
    error: int, folder: Path, downloads: list[str], monkeypatch: pytest.MonkeyPatch
):
    def fail(descriptor: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fail)
    reports: list[str] = []
    assert load(report=reports.append).source == "tfds"
    assert os.strerror(error) in reports[-1]
    assert [path.name for path in folder.iterdir()] == [".lock"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes to read-only folders")
def test_a_read_only_folder_leaves_the_data_usable(folder: Path, downloads: list[str]):
    folder.mkdir()
    folder.chmod(0o500)
    reports: list[str] = []
    assert load(report=reports.append).source == "tfds"
    assert "cannot be stored" in reports[-1]


def _load_in_child(
    files: tuple[IdxFile, ...], contents: Contents, start: Barrier, waiting: Event, results
) -> None:
    def fetch(data_set, report) -> Contents:
        assert waiting.wait(_PATIENCE)  # until the other process waits for the lock
        return contents

    def report(line: str) -> None:
        if line.startswith("cache: waiting"):
            waiting.set()

    known.KNOWN["mnist"], tfds.fetch = known.MNIST._replace(files=files), fetch
    start.wait(_PATIENCE)
    results.put(load(report=report).source)


def test_of_two_processes_one_downloads_and_the_other_waits(
    small_files: tuple[IdxFile, ...], small_contents: Contents
):
    results = _SPAWN.Queue()
    arguments = (small_files, small_contents, _SPAWN.Barrier(2), _SPAWN.Event(), results)
    children = [_SPAWN.Process(target=_load_in_child, args=arguments) for _ in range(2)]
    for child in children:
        child.start()
    assert sorted(results.get(timeout=_PATIENCE) for _ in children) == ["cache", "tfds"]
    for child in children:
        child.join(_PATIENCE)
        assert child.exitcode == 0


def _hang_in_the_second_file(folder: Path, contents: Contents, reached: Event) -> None:
    synced = []

    def hang(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            reached.set()
            time.sleep(_PATIENCE)

    cache.os.fsync = hang
    with cache.lock(folder, print):
        cache.write(folder, MNIST_FILES, contents, print)


def test_a_writer_killed_half_way_leaves_no_broken_cache(
    folder: Path,
    small_files: tuple[IdxFile, ...],
    small_contents: Contents,
    downloads: list[str],
):
    reached = _SPAWN.Event()
    child = _SPAWN.Process(target=_hang_in_the_second_file, args=(folder, small_contents, reached))
    child.start()
    assert reached.wait(_PATIENCE)
    child.kill()
    child.join(_PATIENCE)
    assert len(list(folder.glob("*.partial"))) == 1
    assert (folder / "train-images-idx3-ubyte").exists()
    with pytest.raises(DataError, match="no train-labels-idx1-ubyte"):
        cache.read(folder, small_files)
    assert [load().source for _ in range(2)] == ["tfds", "cache"]
    assert sorted(path.name for path in folder.iterdir()) == [".lock", *sorted(small_contents)]


def test_real_data_loads_from_the_cache_in_under_a_second(
    mnist: Mnist, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    contents = {
        file.name: encode_idx(array.astype(np.uint8).reshape(file.shape))
        for file, array in zip(MNIST_FILES, _arrays(mnist), strict=True)
    }
    monkeypatch.setitem(known.KNOWN, "mnist", known.MNIST)
    cache.write(folder, MNIST_FILES, contents, print)
    assert min(repeat(lambda: load(source="cache"), number=1, repeat=3)) < 1
