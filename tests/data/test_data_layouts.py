"""Directories as people have them: MNIST in many layouts, other data sets, unknown content."""

import gzip
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from tensorflow_datasets.core.download.checksums import compute_url_info
from tensorflow_datasets.image_classification import mnist as registered

from mnist_jax.data import DataError, IdxFile, directory, known, load, package, tfds
from mnist_jax.data import mnist as loading
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


def damaged_archive_beside_a_sound_file(folder: Path, contents: Contents) -> None:
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
    *(half_extracted, damaged_archive_beside_a_sound_file, emnist_names, keras),
]


@pytest.mark.parametrize("lay_out", LAYOUTS)
def test_sound_files_are_found_in_every_layout(
    lay_out: Callable[..., None], tmp_path: Path, small_files: Files, small_contents: Contents
):
    lay_out(tmp_path, small_contents)
    assert directory.read(tmp_path, small_files) == small_contents


def test_what_a_folder_does_hold_is_listed(tmp_path: Path, small_files: Files):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"it holds notes\.txt, photos/\. Name a directory"):
        directory.read(tmp_path, small_files)
    for number in range(9):
        (tmp_path / f"a{number}").touch()
    with pytest.raises(DataError, match=r"a7 and 3 more\."):
        directory.read(tmp_path, small_files)


def test_an_empty_folder_is_called_empty(tmp_path: Path, small_files: Files):
    with pytest.raises(DataError, match="it is empty"):
        directory.read(tmp_path, small_files)


def test_a_web_page_under_the_name_is_called_so(
    tmp_path: Path, small_files: Files, small_contents: Contents
):
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
    with pytest.raises(DataError, match=r"what .* holds is not canonical"):
        directory.read(tmp_path, small_files)


# other data sets


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


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
    with pytest.raises(DataError, match="one of Fashion-MNIST, which --data-set fashion-mnist"):
        load(folder)


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def base_url(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


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


# unknown content


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
        (3, np.array([0, 1, 2, 12], np.uint8), r"run to 12; .*ten classes.*Split.of"),
    ],
)
def test_unknown_content_must_be_like_mnist(
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
def test_contradictions_are_named(
    arguments: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MNIST_JAX_DATA_DIR", raising=False)
    with pytest.raises(DataError, match=message):
        load(**arguments)


def test_mnist_says_what_it_is(
    folder: Path, small_files: Files, small_contents: Contents, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loading, "MNIST_FILES", small_files)
    raw_folder(folder, small_contents)
    loaded = load(folder)
    assert loaded.data_set == "mnist"
    assert json.loads(json.dumps(dict(loaded.sha256))) == {f.name: f.sha256 for f in small_files}


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "WARNING: Retrying (...) after connection broken by 'ProxyError('Unable to connect to "
            "proxy', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': "
            "/simple/x/\nERROR: Could not find a version (from versions: none)\n",
            "407 Proxy Authentication Required",
        ),
        (
            "WARNING: Retrying (...) after connection broken by 'NewConnectionError('<pip._vendor."
            "HTTPSConnection object at 0x7fba>: Failed: [Errno 111] Connection refused')': /s/\n"
            "ERROR: No matching distribution\n",
            r"^NewConnectionError\('Failed: \[Errno 111\] Connection refused'\)$",
        ),
        ("ERROR: Exception:\nTraceback\n  File\nInvalidURL: Failed to parse: a:port\n", "^Invalid"),
        ("ERROR: first\nERROR: second\n", "^ERROR: first$"),
        ("", "it gave no reason"),
    ],
)
def test_the_reason_of_pip_is_found(stderr: str, reason: str):
    import re

    assert re.search(reason, package._reason(stderr))


def test_a_set_that_tfds_cannot_reach_is_one_message(
    fashion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def refuse(url: str) -> None:
        raise DataError("cannot reach the host")

    monkeypatch.setattr(tfds, "require_answer", refuse)
    with pytest.raises(DataError) as caught:
        load(data_set="fashion-mnist")
    message = str(caught.value)
    assert "Fashion-MNIST could not be loaded" in message
    assert "tfds: cannot reach the host" in message
    assert "train-images-idx3-ubyte.gz" in message
