"""Distributes batches of work over processes."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.pool import IMapIterator
from typing import TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")

# interval between checks for Ctrl-C, in seconds
PATIENCE = 0.5


def spread(
    work: Callable[[Batch], list[Result]],
    batches: Sequence[Batch],
    processes: int,
    update: Callable[[int], None],
) -> list[Result]:
    """Computes the results of all batches.

    Args:
        work: Function from a batch to its results. With several processes, the function, the
            batches and the results are pickled.
        batches: Batches of work, the longest first.
        processes: Number of processes; 1 means the current process.
        update: Function that is called repeatedly with the number of results so far; it may raise
            to stop the work.

    Returns:
        The results, in any order.
    """
    done: list[Result] = []
    if processes == 1:
        for batch in batches:
            done.extend(work(batch))
            update(len(done))
        return done
    # a forked process may hang if JAX has started threads
    spawn = multiprocessing.get_context("spawn")
    # only this process handles Ctrl-C, and it ends the others
    with spawn.Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        coming = pool.imap_unordered(work, batches)
        for _ in batches:
            done.extend(_wait(coming, lambda: update(len(done))))
            update(len(done))
    return done


def _wait(coming: "IMapIterator[list[Result]]", waiting: Callable[[], None]) -> list[Result]:
    while True:
        try:
            return coming.next(PATIENCE)
        except multiprocessing.TimeoutError:
            waiting()
