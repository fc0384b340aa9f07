"""Batches of work spread over processes."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.pool import IMapIterator
from typing import TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")

# how often Ctrl-C is looked for, in seconds
PATIENCE = 0.5


def spread(
    work: Callable[[Batch], list[Result]],
    batches: Sequence[Batch],
    processes: int,
    update: Callable[[int], None],
) -> list[Result]:
    """The results of all batches.

    Args:
        work: From a batch to its results; with several processes, all of these are pickled.
        batches: What there is to do, the longest first.
        processes: How many to spread it over; 1 is this one.
        update: Takes the number of results so far, now and then; may raise to end the work.

    Returns:
        The results, in any order.
    """
    done: list[Result] = []
    if processes == 1:
        for batch in batches:
            done.extend(work(batch))
            update(len(done))
        return done
    # a fork of a process in which JAX has started threads may hang
    spawn = multiprocessing.get_context("spawn")
    # Ctrl-C is for this process alone, which ends the others
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
