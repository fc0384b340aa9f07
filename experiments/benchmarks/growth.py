"""How time grows: with the number of runs, epochs, training images, and with the batch size."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from experiments.benchmarks.peers import library
from experiments.benchmarks.work import Work
from mnist_jax.data import Mnist, split


class Growth(NamedTuple):
    """What grows, and how far.

    Attributes:
        name: Name of what grows.
        values: How far.
        work: (data, value) to the work of each run, and the number of runs.
    """

    name: str
    values: tuple[int, ...]
    work: Callable[[Mnist, int], tuple[Work, int]]


GROWTHS = (
    Growth("runs", (1, 4, 16, 64, 256, 1024), lambda mnist, n: (Work(split(mnist), 1), n)),
    Growth("epochs", (5, 10, 20, 50, 100), lambda mnist, n: (Work(split(mnist), n), 1)),
    Growth(
        "training images",
        (1_000, 3_000, 9_000, 18_000, 60_000),
        lambda mnist, n: (Work(split(mnist, train_size=n), 10), 1),
    ),
    Growth("batch size", (16, 64, 128, 512, 2048), lambda mnist, n: (Work(split(mnist), 10, n), 1)),
)


def measure(
    mnist: Mnist, few: int | None, on_value: Callable[[int], None]
) -> dict[str, list[dict[str, Any]]]:
    """Times of this library as each thing grows.

    Args:
        mnist: The data.
        few: How many values of each, the smallest; None for all.
        on_value: Called with the number of values done.

    Returns:
        By what grows: the values, the seconds in all and per run, the seconds of compilation.
    """
    done = 0
    found: dict[str, list[dict[str, Any]]] = {}
    for growth in GROWTHS:
        rows = found.setdefault(growth.name, [])
        for row in _rows(growth, mnist, few):
            rows.append(row)
            done += 1
            on_value(done)
    return found


def count(few: int | None) -> int:
    """How many values there are."""
    return sum(len(growth.values[:few]) for growth in GROWTHS)


def _rows(growth: Growth, mnist: Mnist, few: int | None) -> Iterator[dict[str, Any]]:
    for value in growth.values[:few]:
        work, runs = growth.work(mnist, value)
        train = library.prepare(work, runs)
        first, *rest = [_seconds(train) for _ in range(2 if runs > 16 else 4)]
        fastest = min(rest)
        yield {
            "value": value,
            "seconds": fastest,
            "seconds_per_run": fastest / runs,
            "compile_s": max(0.0, first - fastest),
        }


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
