"""Distributes batches of work over processes."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 0.5
"""Seconds between two checks for Ctrl-C."""


def spread(
    work: Callable[[Item], Result],
    batches: Sequence[Sequence[Item]],
    processes: int,
    bar: Callable[[int], Callable[[int], None]],
) -> list[Result]:
    """Computes the result of each item of work.

    Args:
        work: Function from an item to its result. With several processes, the function, the items
            and the results are pickled.
        batches: Batches of items that one process computes, the longest first.
        processes: Number of processes; 1 means the current process.
        bar: Function from the number of items to a function that is called repeatedly with the
            number of results so far, and may raise to stop the work.

    Returns:
        The results, in the order of the items.
    """
    update = bar(sum(map(len, batches)))
    if processes == 1:
        done: list[Result] = []
        for batch in batches:
            done += map(work, batch)
            update(len(done))
        return done
    # a forked process may hang if JAX has started threads
    spawn = multiprocessing.get_context("spawn")
    # only this process handles Ctrl-C, and it ends the others
    with spawn.Pool(processes, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        coming = [pool.apply_async(partial(_each, work), (batch,)) for batch in batches]
        while waiting := [each for each in coming if not each.ready()]:
            update(sum(len(each.get()) for each in coming if each.ready()))
            waiting[0].wait(PATIENCE)
        results = [result for each in coming for result in each.get()]
    update(len(results))
    return results


def _each(work: Callable[[Item], Result], batch: Sequence[Item]) -> list[Result]:
    return [work(item) for item in batch]
