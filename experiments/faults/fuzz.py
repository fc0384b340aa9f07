"""Very many damaged files to the readers of data: none may escape but by its message."""

import io
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import psutil

from experiments.faults.inputs import BOMB, BOMBS, Reader, bomb, make
from mnist_jax.data import archives, tables
from mnist_jax.data.files import IdxFile, decompress, parse_idx
from mnist_jax.errors import UsageError

LIMIT = BOMB // 4
"""The most bytes that a reader may unpack here."""
_IMAGES, _LABELS = IdxFile("images", (5, 4, 3), None), IdxFile("labels", (5,), None)


def read(reader: Reader, content: bytes) -> None:
    """Reads an input as the product does.

    Args:
        reader: The format.
        content: The input.

    Raises:
        UsageError: If it is refused.
    """
    if reader == "idx":
        parse_idx(decompress(content, LIMIT))
    elif reader == "csv":
        tables.parse(io.BytesIO(content), _IMAGES, _LABELS)
    else:
        archives.npz_arrays(io.BytesIO(content), LIMIT)


def fuzz(inputs: int, seed: int, update: Callable[[int], None]) -> dict[str, Any]:
    """Reads many inputs.

    Args:
        inputs: How many of all formats together.
        seed: With the number of an input, decides what it is.
        update: Takes the number done so far.

    Returns:
        Counts of each reader, what escaped, and how much memory and time was used.
    """
    readers = get_args(Reader)
    counts: dict[str, Counter[str]] = {reader: Counter() for reader in readers}
    escaped: list[dict[str, Any]] = []
    start, slowest = time.monotonic(), 0.0
    peaks = {reader: peak(reader) for reader in readers}
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(inputs):
        reader = readers[number % len(readers)]
        content = make(reader, np.random.default_rng([seed, number]))
        begun = time.perf_counter()
        outcome = read_safely(reader, content)
        slowest = max(slowest, time.perf_counter() - begun)
        counts[reader][outcome if outcome in ("read", "refused") else "escaped"] += 1
        if outcome not in ("read", "refused"):
            escaped.append({"reader": reader, "number": number, "error": outcome})
        update(number + 1)
    return {
        "inputs": inputs,
        "seed": seed,
        "readers": counts,
        "escaped": escaped,
        "limit_bytes": LIMIT,
        "bomb_bytes": BOMB,
        "bombs": BOMBS,
        "peak_bytes": peaks,
        "growth_bytes": process.memory_info().rss - before,
        "slowest_seconds": slowest,
        "seconds": time.monotonic() - start,
    }


def peak(reader: Reader) -> int:
    """The most memory that is held while a bomb is read, in bytes."""
    content = bomb(reader)
    read_safely(reader, content)  # what is loaded once does not count
    tracemalloc.start()
    read_safely(reader, content)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held


def read_safely(reader: Reader, content: bytes) -> str:
    """What becomes of an input: "read", "refused", or the exception that escaped."""
    try:
        read(reader, content)
    except UsageError:
        return "refused"
    except Exception as error:
        return repr(error)
    return "read"
