"""Growth of the time with the number of runs, epochs and training images, and the batch size."""

from collections.abc import Callable
from typing import Any

from experiments.benchmarks.peers import library
from experiments.benchmarks.timing import timed
from experiments.benchmarks.work import Work
from experiments.common.progress import Progress
from mnist_jax.data import Mnist, split

GROWTHS: dict[str, tuple[tuple[int, ...], Callable[[Mnist, int], tuple[Work, int]]]] = {
    "runs": ((1, 4, 16, 64, 256, 1024), lambda mnist, n: (Work(split(mnist), 1), n)),
    "epochs": ((5, 10, 20, 50, 100), lambda mnist, n: (Work(split(mnist), n), 1)),
    "training images": (
        (1_000, 3_000, 9_000, 18_000, 60_000),
        lambda mnist, n: (Work(split(mnist, train_size=n), 10), 1),
    ),
    "batch size": ((16, 64, 128, 512, 2048), lambda mnist, n: (Work(split(mnist), 10, n), 1)),
}
"""Sizes by name: values that increase, and the function of the data and a value that returns the
work of each run and the number of runs."""


def measure(
    mnist: Mnist, limit: int | None, progress: Progress
) -> dict[str, list[dict[str, float]]]:
    """Measures the time of this library for the first values of each size.

    Returns:
        Rows by size: value, seconds in total and per run, seconds of compilation.
    """
    cases = [(name, value) for name, (values, _) in GROWTHS.items() for value in values[:limit]]
    bar = progress.bar("benchmarks: growth (values)", len(cases))
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in GROWTHS}
    for done, (name, value) in enumerate(cases, 1):
        work, runs = GROWTHS[name][1](mnist, value)
        train = library.prepare(work, runs)
        first, *others = [timed(train)[0] for _ in range(2 if runs > 16 else 4)]
        seconds = min(others)
        row = {"value": value, "seconds": seconds, "seconds_per_run": seconds / runs}
        results[name].append(row | {"compile_s": max(0.0, first - seconds)})
        bar(done)
    return results
