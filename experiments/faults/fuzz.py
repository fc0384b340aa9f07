"""Readers of data on damaged files: they may raise a UsageError, but no other exception."""

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
"""Largest number of bytes that a reader may decompress."""
_IMAGES, _LABELS = IdxFile("images", (5, 4, 3), None), IdxFile("labels", (5,), None)


def read(reader: Reader, content: bytes) -> str:
    """Reads an input as the library does.

    Returns:
        The outcome: "read", "refused", or the exception that escaped.
    """
    try:
        if reader == "idx":
            parse_idx(decompress(content, LIMIT))
        elif reader == "csv":
            tables.parse(io.BytesIO(content), _IMAGES, _LABELS)
        else:
            archives.npz_arrays(io.BytesIO(content), LIMIT)
    except UsageError:
        return "refused"
    except Exception as error:
        return repr(error)
    return "read"


def fuzz(inputs: int, seed: int, update: Callable[[int], None]) -> dict[str, Any]:
    """Reads many damaged inputs.

    Args:
        inputs: Number of inputs of all formats.
        seed: Seed that determines each input, together with its number.
        update: Function called with the number of inputs done.

    Returns:
        Outcomes by reader, escaped exceptions, peak memory and time.
    """
    readers = get_args(Reader)
    counts: dict[str, Counter[str]] = {reader: Counter() for reader in readers}
    escaped: list[dict[str, Any]] = []
    start, slowest = time.monotonic(), 0.0
    peaks = {reader: peak(reader) for reader in readers}
    process = psutil.Process()
    memory = process.memory_info().rss
    for number in range(inputs):
        reader = readers[number % len(readers)]
        content = make(reader, np.random.default_rng([seed, number]))
        read_start = time.perf_counter()
        outcome = read(reader, content)
        slowest = max(slowest, time.perf_counter() - read_start)
        if outcome not in ("read", "refused"):
            escaped.append({"reader": reader, "number": number, "error": outcome})
            outcome = "escaped"
        counts[reader][outcome] += 1
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
        "growth_bytes": process.memory_info().rss - memory,
        "slowest_seconds": slowest,
        "seconds": time.monotonic() - start,
    }


def peak(reader: Reader) -> int:
    """Returns the peak memory of a reader on a decompression bomb, in bytes."""
    content = bomb(reader)
    read(reader, content)  # excludes memory that is allocated once
    tracemalloc.start()
    read(reader, content)
    size = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size
