"""Several processes, on one machine or many: each does its share, then the results are gathered.

They find each other through JAX's own distributed runtime, which recognises Slurm, Kubernetes and
the common clouds by itself. Runs never talk to each other, so the processes meet only at the end.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np

from mnist_jax.compat import process_allgather, sync_processes
from mnist_jax.errors import UsageError
from mnist_jax.meeting import meet

Item = TypeVar("Item")
_LOGGER = logging.getLogger(__name__)


def join(
    coordinator: str | None = None,
    num_processes: int | None = None,
    process: int | None = None,
    *,
    seconds: float = 60.0,
    report: Callable[[str], None] = _LOGGER.info,
) -> None:
    """Joins the other processes; call it first of all, before JAX is used.

    Args:
        coordinator: Address and port of process 0; None to detect it.
        num_processes: How many there are; None to detect it.
        process: Which one this is, from 0; None to detect it.
        seconds: How long to wait for the others, if all three are given.
        report: Takes a line on what is waited for.

    Raises:
        UsageError: If the processes can't be detected, or one does not come.
    """
    if coordinator is not None and num_processes is not None and process is not None:
        meet(coordinator, num_processes, process, seconds, report)
    try:
        jax.distributed.initialize(coordinator, num_processes, process)
    except Exception as error:  # of JAX's many ways to detect a cluster
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UsageError(
            f"the processes can't be joined: {reason}. Outside Slurm and the clouds that JAX "
            "recognises, give --coordinator HOST:PORT, --num-processes and --process."
        ) from error


def count() -> int:
    """How many processes there are; one, where none was joined."""
    return jax.process_count()


def is_first() -> bool:
    """Whether this is process 0, which writes what all have found; true of a single process."""
    return jax.process_index() == 0


def wait_for_all() -> None:
    """Waits until every process has come here; a single one goes on at once."""
    if count() > 1:
        sync_processes("mnist_jax")


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """What this process does of a list that is the same in all of them.

    Args:
        items: All there is to do.

    Returns:
        Every n-th of them, n being the number of processes.

    Example:
        >>> own_share([1, 2, 3])  # a single process
        [1, 2, 3]
    """
    return items[jax.process_index() :: count()]


def gather(rows: np.ndarray) -> np.ndarray:
    """Gathers every process's rows, one process after the other.

    Args:
        rows: Those of this process, of any dtype; as many as it likes.

    Returns:
        All rows, the same in every process.

    Example:
        >>> gather(np.arange(3)).tolist()  # a single process
        [0, 1, 2]
    """
    if count() == 1:
        return rows
    lengths = np.ravel(_from_all(np.array([len(rows)])))
    padded = np.resize(rows, lengths.max()) if len(rows) else np.zeros(lengths.max(), rows.dtype)
    everyone = _from_all(padded.view(np.uint8)).view(rows.dtype)
    return np.concatenate([mine[:n] for mine, n in zip(everyone, lengths, strict=True)])


def _from_all(array: np.ndarray) -> Any:
    """The same array of each process, stacked; of the same shape in all of them."""
    return process_allgather(array).reshape(count(), *array.shape)
