"""Data sets other than MNIST: their archives, downloads and cache."""

import gzip
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow_datasets.core.download.checksums import compute_url_info
from tensorflow_datasets.image_classification import mnist as registered

from mnist_jax.data import DataError, IdxFile, known, load, tfds
from mnist_jax.data.files import Contents, parse_idx


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def fashion(
    small_contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, bytes]:
    """Archives of a stand-in for Fashion-MNIST, whose digests are registered; nothing else."""
    archives = {f"{name}.gz": gzip.compress(c, mtime=7) for name, c in small_contents.items()}
    files = tuple(
        IdxFile(name, parse_idx(content).shape, None, sha256(archives[f"{name}.gz"]))
        for name, content in small_contents.items()
    )
    stand_in = known.FASHION_MNIST._replace(files=files)
    monkeypatch.setitem(known.KNOWN, "fashion-mnist", stand_in)
    monkeypatch.setenv("MNIST_JAX_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("MNIST_JAX_DATA_DIR", raising=False)
    return archives


def test_another_set_is_read_from_its_archives(fashion, folder: Path, small_contents: Contents):
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in fashion.items():
        (raw / name).write_bytes(content)
        (raw / name.removesuffix(".gz")).write_bytes(b"cannot be verified")
    loaded = load(folder, data_set="fashion-mnist")
    assert (loaded.source, loaded.data_set) == ("directory", "fashion-mnist")
    assert loaded.sha256 == {name: sha256(content) for name, content in small_contents.items()}
    assert loaded.train.images.shape == (6, 784)


def test_files_without_their_archive_cannot_be_verified(
    fashion, folder: Path, small_contents: Contents
):
    for name, content in small_contents.items():
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be verified: .*--data-set.*unverified"):
        load(folder, data_set="fashion-mnist")


def test_a_file_of_another_known_set_is_recognised(fashion, folder: Path):
    for name, content in fashion.items():
        (folder / name).write_bytes(content)
    with pytest.raises(DataError, match="one of Fashion-MNIST: --data-set fashion-mnist"):
        load(folder)


def register(builder: Any, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    infos = {f"{url.rsplit('/', 1)[0]}/{p.name}": compute_url_info(p) for p in folder.iterdir()}
    monkeypatch.setattr(builder, "URL", url)
    monkeypatch.setattr(builder, "url_infos", infos)


def test_another_set_is_downloaded_once_and_then_cached(
    fashion, folder: Path, base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, content in fashion.items():
        (folder / name).write_bytes(content)
    register(registered.FashionMNIST, base_url, folder, monkeypatch)
    lines: list[str] = []
    first = load(data_set="fashion-mnist", report=lines.append)
    assert first.source == "tfds"
    assert lines[1] == "tfds: downloading Fashion-MNIST from 127.0.0.1"
    for path in folder.iterdir():
        path.unlink()
    second = load(data_set="fashion-mnist")
    assert second.source == "cache"
    np.testing.assert_array_equal(second.train.images, first.train.images)
    cached = tmp_path / "cache" / "fashion-mnist" / "train-images-idx3-ubyte"
    cached.write_bytes(cached.read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match=r"(?s)damaged data in .*Name a directory that holds"):
        load(data_set="fashion-mnist")


@pytest.fixture
def emnist(
    small_contents: Contents, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A stand-in for EMNIST's archive."""
    path = folder / "gzip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in small_contents.items():
            member = f"gzip/emnist-digits-{name.replace('t10k', 'test')}.gz"
            archive.writestr(member, gzip.compress(content))
    files = tuple(
        IdxFile(f"emnist-digits-{name}", parse_idx(content).shape, None)
        for name, content in small_contents.items()
    )
    digest = sha256(path.read_bytes())
    stand_in = known.EMNIST_DIGITS._replace(files=files, archive_sha256=digest)
    monkeypatch.setitem(known.KNOWN, "emnist-digits", stand_in)
    monkeypatch.delenv("MNIST_JAX_DATA_DIR", raising=False)
    monkeypatch.setenv("MNIST_JAX_CACHE_DIR", str(tmp_path / "cache"))
    return path


def test_emnist_is_read_from_its_archive_and_turned_upright(emnist: Path, small_contents: Contents):
    loaded = load(emnist.parent, data_set="emnist-digits")
    images, labels, *_ = map(parse_idx, small_contents.values())
    np.testing.assert_array_equal(
        loaded.train.images.reshape(-1, 28, 28), images.transpose(0, 2, 1)
    )
    np.testing.assert_array_equal(loaded.train.labels, labels)


def test_another_archive_is_refused(emnist: Path):
    emnist.write_bytes(emnist.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"gzip\.zip has SHA-256"):
        load(emnist.parent, data_set="emnist-digits")
    emnist.unlink()
    with pytest.raises(DataError, match=r"holds no gzip\.zip"):
        load(emnist.parent, data_set="emnist-digits")


def test_emnist_is_downloaded(emnist: Path, base_url: str, monkeypatch: pytest.MonkeyPatch):
    register(registered.EMNIST, f"{base_url}gzip.zip", emnist.parent, monkeypatch)
    assert load(data_set="emnist-digits").source == "tfds"
    assert load(data_set="emnist-digits").source == "cache"


def test_the_digests_are_those_that_tfds_registers():
    for name in ("fashion-mnist", "kmnist"):
        data_set = known.KNOWN[name]
        builder = getattr(registered, data_set.builder)
        infos = {url.rsplit("/", 1)[1]: info.checksum for url, info in builder.url_infos.items()}
        assert infos == {f"{file.name}.gz": file.archive_sha256 for file in data_set.files}
    [info] = (registered.EMNIST.url_infos or {}).values()
    assert info.checksum == known.EMNIST_DIGITS.archive_sha256


def test_only_mnist_is_in_the_package():
    with pytest.raises(DataError, match="source='package' has MNIST only, not KMNIST"):
        load(data_set="kmnist", source="package")


def test_an_unreachable_host_is_reported(fashion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refuse(url: str) -> None:
        raise DataError("cannot reach the host")

    monkeypatch.setattr(tfds, "require_answer", refuse)
    with pytest.raises(DataError) as caught:
        load(data_set="fashion-mnist")
    message = str(caught.value)
    assert "Fashion-MNIST could not be loaded" in message
    assert "tfds: cannot reach the host" in message
    assert "train-images-idx3-ubyte.gz" in message
