"""Directories in the usual layouts, with MNIST or with unknown content."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_jax.data import DataError, IdxFile, directory, load
from mnist_jax.data.files import Contents, encode_idx, parse_idx

Files = tuple[IdxFile, ...]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def torchvision(folder: Path, contents: Contents) -> None:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in contents.items():
        (raw / name).write_bytes(content)
        (raw / f"{name}.gz").write_bytes(gzip.compress(content))


def raw_folder(folder: Path, contents: Contents) -> None:
    (folder / "raw").mkdir()
    for name, content in contents.items():
        (folder / "raw" / f"{name}.gz").write_bytes(gzip.compress(content))


def kaggle(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        (folder / name).mkdir()
        (folder / name / name).write_bytes(content)


def decompressed_by_a_browser(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(content)


def gzipped_without_ending(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(gzip.compress(content))


def half_extracted(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content[:9])
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def damaged_archive_and_intact_file(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content)[:-9])


def emnist_names(folder: Path, contents: Contents) -> None:
    for name, content in contents.items():
        (folder / f"emnist-mnist-{name.replace('t10k', 'test')}").write_bytes(content)


def keras(folder: Path, contents: Contents) -> None:
    arrays = map(parse_idx, contents.values())
    named = dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays, strict=True))
    np.savez(folder / "mnist.npz", **named)  # type: ignore[arg-type]


LAYOUTS = [
    *(torchvision, raw_folder, kaggle, decompressed_by_a_browser, gzipped_without_ending),
    *(half_extracted, damaged_archive_and_intact_file, emnist_names, keras),
]


@pytest.mark.parametrize("lay_out", LAYOUTS)
def test_files_are_read_in_every_layout(
    lay_out: Callable[..., None], tmp_path: Path, small_files: Files, small_contents: Contents
):
    lay_out(tmp_path, small_contents)
    assert directory.read(tmp_path, small_files) == small_contents


def test_the_contents_of_a_folder_are_listed(tmp_path: Path, small_files: Files):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"it holds notes\.txt, photos/\. Name a directory"):
        directory.read(tmp_path, small_files)
    for number in range(9):
        (tmp_path / f"a{number}").touch()
    with pytest.raises(DataError, match=r"a7 and 3 more\."):
        directory.read(tmp_path, small_files)


def test_an_empty_folder_is_reported(tmp_path: Path, small_files: Files):
    with pytest.raises(DataError, match="it is empty"):
        directory.read(tmp_path, small_files)


def test_a_web_page_is_reported(tmp_path: Path, small_files: Files, small_contents: Contents):
    raw_folder(tmp_path, small_contents)
    (tmp_path / "raw" / f"{small_files[0].name}.gz").write_text("\n<!DOCTYPE html>")
    with pytest.raises(DataError, match="is a web page, not the file"):
        directory.read(tmp_path, small_files)


def test_an_npz_file_is_never_unpickled(tmp_path: Path, small_files: Files):
    class Trap:
        def __reduce__(self) -> Any:
            return pytest.fail, ("unpickled",)

    np.savez(tmp_path / "mnist.npz", x_train=np.array([Trap()], object))
    with pytest.raises(DataError, match=r"mnist\.npz cannot be read .*x_train, y_train"):
        directory.read(tmp_path, small_files)


def test_an_npz_file_with_other_images_is_refused(
    tmp_path: Path, small_files: Files, small_contents: Contents
):
    other = small_contents | {
        small_files[0].name: encode_idx(np.ones(small_files[0].shape, np.uint8))
    }
    keras(tmp_path, other)
    with pytest.raises(DataError, match=r"the content of .* is not canonical"):
        directory.read(tmp_path, small_files)


def test_unknown_content_is_read_by_name_alone(folder: Path, small_contents: Contents):
    raw_folder(folder, small_contents)
    loaded = load(folder, data_set="unverified")
    assert loaded.data_set == "unverified"
    assert loaded.sha256 == {name: sha256(content) for name, content in small_contents.items()}


def test_unknown_content_may_have_a_prefix_but_one_only(folder: Path, small_contents: Contents):
    for name, content in small_contents.items():
        (folder / f"emnist-letters-{name}").write_bytes(content)
    assert len(load(folder, data_set="unverified").train.labels) == 6
    for name, content in small_contents.items():
        (folder / f"emnist-digits-{name}").write_bytes(content)
    with pytest.raises(DataError, match="several files that may be train-images-idx3-ubyte"):
        load(folder, data_set="unverified")


@pytest.mark.parametrize(
    ("number", "array", "message"),
    [
        (0, np.zeros((6, 32, 32), np.uint8), r"shape \(6, 32, 32\).*28 x 28.*Split.of"),
        (1, np.zeros(5, np.uint8), r"labels \(5,\).*one label for each"),
        (3, np.array([0, 1, 2, 12], np.uint8), r"range to 12; .*ten classes.*Split.of"),
    ],
)
def test_unknown_content_must_have_the_shapes_of_mnist(
    number: int, array: np.ndarray, message: str, folder: Path, small_contents: Contents
):
    names = list(small_contents)
    raw_folder(folder, small_contents | {names[number]: encode_idx(array)})
    with pytest.raises(DataError, match=message):
        load(folder, data_set="unverified")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data_set": "unverified"}, "data_set='unverified' needs the name of a directory"),
        ({"data_set": "unverified", "source": "tfds"}, "source='tfds' has no unverified data"),
        ({"data_set": "cifar"}, "data_set='cifar': choose one of mnist, fashion-mnist, kmnist"),
    ],
)
def test_contradictions_are_reported(
    arguments: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MNIST_JAX_DATA_DIR", raising=False)
    with pytest.raises(DataError, match=message):
        load(**arguments)


def test_mnist_has_its_name_and_digests(
    folder: Path, small_mnist, small_files: Files, small_contents: Contents
):
    raw_folder(folder, small_contents)
    loaded = load(folder)
    assert loaded.data_set == "mnist"
    assert json.loads(json.dumps(dict(loaded.sha256))) == {f.name: f.sha256 for f in small_files}
