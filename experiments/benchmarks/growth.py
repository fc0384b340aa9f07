"""Growth of the time with the number of runs, epochs and training images, and the batch size."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from experiments.benchmarks.peers import library
from experiments.benchmarks.timing import timed
from experiments.benchmarks.work import Work
from mnist_jax.data import Mnist, split


class Growth(NamedTuple):
    """A size that grows.

    Attributes:
        name: Name of the size.
        values: Values of the size, in increasing order.
        work: Function of the data and a value that returns the work of each run and the number of
            runs.
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
    mnist: Mnist, limit: int | None, on_value: Callable[[int], None]
) -> dict[str, list[dict[str, Any]]]:
    """Measures the time of this library for the values of each size.

    Returns:
        Rows by size: value, seconds in total and per run, seconds of compilation.
    """
    done = 0
    results: dict[str, list[dict[str, Any]]] = {}
    for growth in GROWTHS:
        rows = results.setdefault(growth.name, [])
        for row in _rows(growth, mnist, limit):
            rows.append(row)
            done += 1
            on_value(done)
    return results


def count(limit: int | None) -> int:
    """Returns the number of values of all sizes."""
    return sum(len(growth.values[:limit]) for growth in GROWTHS)


def _rows(growth: Growth, mnist: Mnist, limit: int | None) -> Iterator[dict[str, Any]]:
    for value in growth.values[:limit]:
        work, runs = growth.work(mnist, value)
        train = library.prepare(work, runs)
        first, *others = [timed(train)[0] for _ in range(2 if runs > 16 else 4)]
        fastest = min(others)
        yield {
            "value": value,
            "seconds": fastest,
            "seconds_per_run": fastest / runs,
            "compile_s": max(0.0, first - fastest),
        }
