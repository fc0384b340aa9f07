"""The four files, their format, and a directory of the user."""

import errno
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as st_numpy

from mnist_jax.data import MNIST_FILES, DataError, IdxFile, Mnist
from mnist_jax.data import directory as directory_source
from mnist_jax.data.files import Contents, encode_idx, parse_idx, verify


@given(st_numpy.arrays(np.uint8, st_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0)))
def test_idx_round_trip(array: np.ndarray):
    parsed = parse_idx(encode_idx(array))
    assert parsed.dtype == np.uint8
    np.testing.assert_array_equal(parsed, array, strict=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not an IDX file of unsigned bytes"),
        ("00000d01 00000001 00000000", "not an IDX file of unsigned bytes"),  # floats
        ("00000803 00000001", "the IDX header ends after 8 of 16 bytes"),
        ("00000801 00000002 07", r"an IDX file of shape \(2,\) cannot be 9 bytes long"),
        ("00000801 00000002 070809", r"an IDX file of shape \(2,\) cannot be 11 bytes long"),
    ],
)
def test_an_invalid_idx_file_is_reported(content: str, reason: str):
    with pytest.raises(DataError, match=reason):
        parse_idx(bytes.fromhex(content))


def test_only_unsigned_bytes_are_encoded():
    with pytest.raises(ValueError, match="uint8, not int32"):
        encode_idx(np.zeros(3, np.int32))


def test_real_arrays_encode_to_the_canonical_files(mnist: Mnist):
    arrays = [array for examples in (mnist.train, mnist.test) for array in examples]
    for file, array in zip(MNIST_FILES, arrays, strict=True):
        verify(file, encode_idx(array.astype(np.uint8).reshape(file.shape)))


def test_size_counts_header_and_elements():
    assert [file.size for file in MNIST_FILES] == [47_040_016, 60_008, 7_840_016, 10_008]


@pytest.mark.parametrize("spelling", ["{}", "{}.gz", "dotted {}", "dotted {}.gz"])
def test_directory_is_read_gzipped_or_not(
    spelling: str, tmp_path: Path, small_files: tuple[IdxFile, ...], small_contents: Contents
):
    for name, content in small_contents.items():
        stem = name.replace("-idx", ".idx") if spelling.startswith("dotted ") else name
        path = tmp_path / spelling.removeprefix("dotted ").format(stem)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    assert directory_source.read(tmp_path, small_files) == small_contents


def test_directory_must_exist(tmp_path: Path, small_files: tuple[IdxFile, ...]):
    with pytest.raises(DataError, match=r"absent does not exist.*MNIST_JAX_DATA_DIR"):
        directory_source.read(tmp_path / "absent", small_files)


def test_directory_must_be_one(tmp_path: Path, small_files: tuple[IdxFile, ...]):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(DataError, match=r"file is not a directory.*MNIST_JAX_DATA_DIR"):
        directory_source.read(path, small_files)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[10:30] = bytes([0xFF] * 20)  # right behind the gzip header
    path.write_bytes(content)


def _lengthen(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\0"))


def _flip_a_bit(path: Path) -> None:
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(content))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "holds neither t10k-images-idx3-ubyte nor t10k-images-idx3-ubyte.gz"),
        (_truncate, "is truncated or damaged"),
        (_damage, "is truncated or damaged"),
        (_lengthen, "t10k-images-idx3-ubyte is longer, but should have 3,152 bytes"),
        (_flip_a_bit, "t10k-images-idx3-ubyte has SHA-256"),
    ],
)
def test_a_bad_file_is_named_with_reason_and_remedy(
    spoil: Callable[[Path], None],
    reason: str,
    tmp_path: Path,
    small_files: tuple[IdxFile, ...],
    small_contents: Contents,
):
    for name, content in small_contents.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    spoil(path)
    with pytest.raises(DataError) as caught:
        directory_source.read(tmp_path, small_files)
    message = str(caught.value)
    assert str(tmp_path) in message
    assert path.name in message
    assert reason in message
    assert "Replace it" in message or "Name a directory" in message


def test_an_unreadable_file_is_named(
    tmp_path: Path,
    small_files: tuple[IdxFile, ...],
    small_contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
):
    def refuse(path: Path, mode: str) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    for name, content in small_contents.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(Path, "open", refuse)  # root could read what chmod forbids
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte cannot be read \(Permission"):
        directory_source.read(tmp_path, small_files)
