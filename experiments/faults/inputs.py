"""Inputs to the readers of data: sound ones, and what damage, bad luck and malice make of them."""

import gzip
import io
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np

from mnist_jax.data import archives
from mnist_jax.data.files import encode_idx

Reader = Literal["idx", "csv", "npz"]

BOMB = 2**26
"""Bytes that some inputs unpack to, from a thousandth of them."""
BOMBS = 0.002
"""Share of the inputs that are such."""
_EXTREMES = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\x7f",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b",",
    b"\n",
)


def make(reader: Reader, rng: np.random.Generator) -> bytes:
    """An input, which is rarely sound.

    Args:
        reader: Whose input.
        rng: Decides which.

    Returns:
        Its bytes.
    """
    if rng.random() < BOMBS:
        return bomb(reader)
    sound = {"idx": _idx, "csv": _csv, "npz": _npz}[reader](rng)
    if rng.random() < 0.05:
        return rng.bytes(int(rng.integers(0, 200)))
    for _ in range(rng.integers(0, 4)):
        sound = _CHANGES[rng.integers(len(_CHANGES))](sound, rng)
    packed = reader == "idx" and rng.random() < 0.5
    if not packed:
        return sound
    content = gzip.compress(sound, compresslevel=1)
    for _ in range(rng.integers(0, 3)):
        content = _CHANGES[rng.integers(len(_CHANGES))](content, rng)
    return content


def _array(rng: np.random.Generator) -> np.ndarray:
    shape = (int(rng.integers(0, 5)), *((4, 3) if rng.random() < 0.5 else ()))
    return rng.integers(0, 256, shape, np.uint8)


def _idx(rng: np.random.Generator) -> bytes:
    return encode_idx(_array(rng))


def _csv(rng: np.random.Generator) -> bytes:
    rows = rng.integers(0, 256, (int(rng.integers(1, 5)), 13))
    header = "label,a,b\n" if rng.random() < 0.5 else ""
    return (header + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


def _npz(rng: np.random.Generator) -> bytes:
    """Damaged as an archive, or sound as one with damaged arrays in it."""
    packing = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED
    stream = io.BytesIO()
    inside = rng.random() < 0.5
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for key in archives.KEYS:
            member = io.BytesIO()
            kind = rng.choice(["u1", "i8", ">u2", "f4", "U3", "b1"], p=[0.6, *(5 * [0.08])])
            np.save(member, _array(rng).astype(kind))
            content = member.getvalue()
            if inside and rng.random() < 0.5:
                content = _CHANGES[rng.integers(len(_CHANGES))](content, rng)
            archive.writestr(f"{key}.npy", content)
    return stream.getvalue()


@cache
def bomb(reader: Reader) -> bytes:
    """A small input that unpacks to a large one; of a table, which is not packed, one long line."""
    if reader == "csv":
        return b"9" * (BOMB // 64)
    if reader == "idx":
        return gzip.compress(bytes(BOMB))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        header = io.BytesIO()
        described = {"descr": "|u1", "fortran_order": False, "shape": (9,)}
        np.lib.format.write_array_header_1_0(header, described)
        archive.writestr(f"{archives.KEYS[0]}.npy", header.getvalue() + bytes(BOMB))
    return stream.getvalue()


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content) + 1))
    return content[:place] + rng.bytes(int(rng.integers(1, 9))) + content[place:]


def _overwrite(content: bytes, rng: np.random.Generator) -> bytes:
    """An extreme value, more often near the beginning, where headers are."""
    near = 16 if rng.random() < 0.5 else len(content)
    place = int(rng.integers(min(near, len(content)) + 1))
    extreme = _EXTREMES[rng.integers(len(_EXTREMES))]
    return content[:place] + extreme + content[place + len(extreme) :]


def _double(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(len(content) + 1, size=2).tolist())
    return content[:last] + content[first:]


_CHANGES: list[Callable[[bytes, np.random.Generator], bytes]] = [
    *(_flip, _cut, _insert, _overwrite, _double)
]
