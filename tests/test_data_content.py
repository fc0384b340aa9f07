"""Files that are identified by content, CSV tables, and malicious files."""

import gzip
import io
import os
import stat
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_jax.data import DataError, IdxFile, archives, cache, directory, finding, load, tables
from mnist_jax.data.files import Contents, decompress, encode_idx, parse_idx
from mnist_jax.errors import UsageError
from mnist_jax.files import expanded, replacing

Files = tuple[IdxFile, ...]


@pytest.mark.parametrize("name", ["{} (1)", "archive/data/{}.1", "file{}.bin"])
def test_files_are_found_by_their_content(
    name: str, tmp_path: Path, small_files: Files, small_contents: Contents
):
    for number, content in enumerate(small_contents.values()):
        path = tmp_path / name.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if number % 2 else content)
    assert directory.read(tmp_path, small_files) == small_contents
    tmp_path.joinpath(name.format(0)).write_bytes(b"\0")
    with pytest.raises(DataError, match="holds neither train-images-idx3-ubyte"):
        directory.read(tmp_path, small_files)


def table(contents: Contents, part: str, header: str = "") -> str:
    images, labels = (parse_idx(c) for name, c in contents.items() if name.startswith(part))
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    return "\n".join([*filter(None, [header]), *(",".join(map(str, row)) for row in rows), ""])


@pytest.mark.parametrize("header", ["", "label," + ",".join(f"p{i}" for i in range(784))])
def test_tables_are_read(header: str, tmp_path: Path, small_files: Files, small_contents: Contents):
    for name, part in zip(tables.NAMES, ("train", "t10k"), strict=True):
        (tmp_path / name).write_text(table(small_contents, part, header))
    assert directory.read(tmp_path, small_files) == small_contents


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no rows"),
        ("label\n", "has no rows"),
        ("1,2\n", "has 2 columns instead of a label and 784 pixels"),
        ("1,300\n", "not a table of numbers from 0 to 255"),
        ("1,\n2\n", "not a table of numbers"),
        ("5,\xff\n", "not a table of numbers"),
    ],
)
def test_an_invalid_table_is_one_message(text: str, reason: str, small_files: Files):
    with pytest.raises(DataError, match=reason):
        tables.parse(io.BytesIO(text.encode("latin1")), *small_files[:2])


def test_a_data_set_is_recognised_by_its_labels(
    tmp_path: Path, small_files: Files, small_contents: Contents
):
    for name, content in small_contents.items():
        (tmp_path / name).write_bytes(content[:-1] + b"?")
    labels = finding.FIRST_LABELS["fashion-mnist"]["train"]
    (tmp_path / small_files[1].name).write_bytes(encode_idx(np.frombuffer(labels, np.uint8)))
    with pytest.raises(
        DataError, match="those of Fashion-MNIST: --data-set fashion-mnist reads it"
    ):
        directory.read(tmp_path, small_files)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MNIST_JAX_CACHE_DIR", "~/kept")
    assert cache.default_folder() == tmp_path / "kept"
    with pytest.raises(DataError, match=f"{tmp_path}/absent does not exist"):
        load("~/absent")
    with pytest.raises(UsageError, match="'~nobody-of-this-name/x' names no folder"):
        expanded("~nobody-of-this-name/x")


@pytest.mark.parametrize("name", ["{}.partial", "{}"])
def test_a_link_in_the_cache_is_not_followed(
    name: str, tmp_path: Path, small_files: Files, small_contents: Contents
):
    precious, folder = tmp_path / "precious", tmp_path / "cache"
    precious.write_text("mine")
    folder.mkdir()
    for file in small_contents:
        (folder / name.format(file)).symlink_to(precious)
    cache.write(folder, small_files, small_contents, lambda line: None)
    assert precious.read_text() == "mine"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == small_contents
    assert not any(path.is_symlink() for path in folder.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="no such modes on Windows")
def test_only_the_user_can_write_to_the_cache(
    tmp_path: Path, small_files: Files, small_contents: Contents
):
    folder = tmp_path / "new" / "cache"
    cache.write(folder, small_files, small_contents, lambda line: None)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)] == [0o700] * 2


@pytest.mark.skipif(os.name == "nt", reason="no such modes on Windows")
def test_a_file_that_is_written_has_the_mode_that_the_user_wants(tmp_path: Path):
    before = os.umask(0o077)
    try:
        with replacing(tmp_path / "a") as temporary:
            temporary.write_text("a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def peak(work) -> int:
    """Peak memory of Python and NumPy, in bytes."""
    tracemalloc.start()
    with pytest.raises(DataError):
        work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path, small_files: Files):
    bomb = gzip.compress(bytes(10**8))
    (tmp_path / small_files[0].name).write_bytes(bomb)
    assert len(decompress(bomb, 1000)) == 1001
    assert peak(lambda: directory.read(tmp_path, small_files)) < 10**7


def npz(path: Path, header: bytes, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in archives.KEYS:
            archive.writestr(f"{key}.npy", header + content)


def npy_header(shape: str, descr: str = "'|u1'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("header", "content", "reason"),
    [
        (npy_header("(9,)"), bytes(10**8), "instead of 9"),
        (npy_header("(99999999999,)"), b"", "shape"),
        (npy_header("(2**9,)"), b"", ""),
        (npy_header("(-1,)"), b"", ""),
        (npy_header("(9,)", "'|O'"), bytes(72), "object"),
        (npy_header("(1,)", "'<i8'"), b"\0\1" + bytes(6), "ranges from 256"),
        (b"\x93NUMPY\x07\x00", b"", ""),
        (b"", b"", ""),
    ],
)
def test_an_npz_file_with_a_false_header_is_refused(
    header: bytes, content: bytes, reason: str, tmp_path: Path
):
    path = tmp_path / "mnist.npz"
    npz(path, header, content)
    with pytest.raises(DataError, match=f"cannot be read .*{reason}"):
        archives.npz_arrays(path)
    assert peak(lambda: archives.npz_arrays(path)) < 10**7


def test_labels_of_another_integer_are_read(tmp_path: Path):
    arrays = dict.fromkeys(archives.KEYS, np.array([3, 255]))
    np.savez(tmp_path / "mnist.npz", **arrays)  # type: ignore[arg-type]
    assert [array.tolist() for array in archives.npz_arrays(tmp_path / "mnist.npz")] == [
        [3, 255]
    ] * 4


def test_an_empty_idx_file_of_great_size_is_refused():
    with pytest.raises(DataError, match=r"of shape \(0, 4294967295, .* is not an array"):
        parse_idx(bytes([0, 0, 8, 4]) + bytes(4) + b"\xff" * 12)


@pytest.mark.parametrize("ndim", [33, 200, 255])
def test_an_idx_file_of_too_many_dimensions_is_refused(ndim: int):
    with pytest.raises(DataError, match=f"of {ndim} dimensions"):
        parse_idx(bytes([0, 0, 8, ndim]) + bytes(4 * ndim))
