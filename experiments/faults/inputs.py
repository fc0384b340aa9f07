"""Inputs for the readers of data: valid, damaged and malicious files."""

import gzip
import io
import zipfile
from functools import cache
from typing import Literal

import numpy as np

from mnist_jax.data import archives
from mnist_jax.data.files import encode_idx

Reader = Literal["idx", "csv", "npz"]

BOMB = 2**26
"""Decompressed size of a decompression bomb, in bytes."""
BOMBS = 0.002
"""Share of decompression bombs among the inputs."""
_EXTREMES = (*b"\x00 \xff \x80 \x7f \xff\xff\xff\xff \x7f\xff\xff\xff ,".split(b" "), b"\n")


def make(reader: Reader, rng: np.random.Generator) -> bytes:
    """Returns a random input for a reader, usually a damaged one."""
    if rng.random() < BOMBS:
        return bomb(reader)
    content = {"idx": lambda rng: encode_idx(_array(rng)), "csv": _csv, "npz": _npz}[reader](rng)
    if rng.random() < 0.05:
        return rng.bytes(int(rng.integers(0, 200)))
    content = _damaged(content, rng, changes=int(rng.integers(0, 4)))
    if reader == "idx" and rng.random() < 0.5:
        content = gzip.compress(content, compresslevel=1)
        content = _damaged(content, rng, changes=int(rng.integers(0, 3)))
    return content


def _array(rng: np.random.Generator) -> np.ndarray:
    shape = (int(rng.integers(0, 5)), *((4, 3) if rng.random() < 0.5 else ()))
    return rng.integers(0, 256, shape, np.uint8)


def _csv(rng: np.random.Generator) -> bytes:
    rows = rng.integers(0, 256, (int(rng.integers(1, 5)), 13))
    header = "label,a,b\n" if rng.random() < 0.5 else ""
    return (header + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


def _npz(rng: np.random.Generator) -> bytes:
    """Returns an archive, sometimes with damaged arrays in it."""
    compression = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED
    stream = io.BytesIO()
    damaged = rng.random() < 0.5
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for key in archives.KEYS:
            member = io.BytesIO()
            dtype = rng.choice(["u1", "i8", ">u2", "f4", "U3", "b1"], p=[0.6, *(5 * [0.08])])
            np.save(member, _array(rng).astype(dtype))
            content = member.getvalue()
            if damaged and rng.random() < 0.5:
                content = _damaged(content, rng, changes=1)
            archive.writestr(f"{key}.npy", content)
    return stream.getvalue()


@cache
def bomb(reader: Reader) -> bytes:
    """Returns a decompression bomb; for a table, which is not compressed, one long line."""
    if reader == "csv":
        return b"9" * (BOMB // 64)
    if reader == "idx":
        return gzip.compress(bytes(BOMB))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        fields = {"descr": "|u1", "fortran_order": False, "shape": (9,)}
        np.lib.format.write_array_header_1_0(header, fields)
        archive.writestr(f"{archives.KEYS[0]}.npy", header.getvalue() + bytes(BOMB))
    return stream.getvalue()


def _damaged(content: bytes, rng: np.random.Generator, changes: int) -> bytes:
    for _ in range(changes):
        content = _CHANGES[rng.integers(len(_CHANGES))](content, rng)
    return content


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    offset = int(rng.integers(len(content) + 1))
    return content[:offset] + rng.bytes(int(rng.integers(1, 9))) + content[offset:]


def _overwrite(content: bytes, rng: np.random.Generator) -> bytes:
    """Writes an extreme value, more often near the beginning, in the header."""
    end = 16 if rng.random() < 0.5 else len(content)
    offset = int(rng.integers(min(end, len(content)) + 1))
    extreme = _EXTREMES[rng.integers(len(_EXTREMES))]
    return content[:offset] + extreme + content[offset + len(extreme) :]


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(len(content) + 1, size=2).tolist())
    return content[:last] + content[first:]


_CHANGES = (_flip, _cut, _insert, _overwrite, _repeat)
