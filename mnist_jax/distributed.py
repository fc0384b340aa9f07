"""Several processes on one or more machines, which share the work and gather the results.

JAX's distributed runtime connects the processes; it detects Slurm, Kubernetes and common clouds.
Runs are independent, so the processes communicate only at the end.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np

from mnist_jax.compat import process_allgather, sync_processes
from mnist_jax.errors import UsageError, one_line
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
    """Joins the other processes; must be called before any other use of JAX.

    Args:
        coordinator: Address and port of process 0; None to detect them.
        num_processes: Number of processes; None to detect it.
        process: Number of this process, from 0; None to detect it.
        seconds: Seconds to wait for the other processes, if all three are given.
        report: Function that takes a line about the wait.

    Raises:
        UsageError: If the processes cannot be detected, or one does not arrive.
    """
    if coordinator is not None and num_processes is not None and process is not None:
        meet(coordinator, num_processes, process, seconds, report)
    try:
        jax.distributed.initialize(coordinator, num_processes, process)
    except Exception as error:  # JAX has many ways to detect a cluster
        raise UsageError(
            f"the processes can't be joined: {one_line(error).rstrip('.')}. Outside Slurm and the "
            "clouds that JAX recognises, give --coordinator HOST:PORT, --num-processes and "
            "--process."
        ) from error


def count() -> int:
    """Returns the number of processes, 1 if none were joined."""
    return jax.process_count()


def is_first() -> bool:
    """Returns whether this is process 0, which writes the results of all processes."""
    return jax.process_index() == 0


def wait_for_all() -> None:
    """Waits until every process has reached this call; a single process does not wait."""
    if count() > 1:
        sync_processes("mnist_jax")


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """Returns the items of this process: every n-th of a list, for n processes.

    Args:
        items: List that is the same in all processes.

    Example:
        >>> own_share([1, 2, 3])  # a single process
        [1, 2, 3]
    """
    return items[jax.process_index() :: count()]


def gather(rows: np.ndarray) -> np.ndarray:
    """Gathers the rows of all processes.

    Args:
        rows: Rows of this process, of any dtype and number.

    Returns:
        All rows in the order of the processes, the same in every process.

    Example:
        >>> gather(np.arange(3)).tolist()  # a single process
        [0, 1, 2]
    """
    if count() == 1:
        return rows
    lengths = np.ravel(_from_all(np.array([len(rows)])))
    padded = np.resize(rows, lengths.max()) if len(rows) else np.zeros(lengths.max(), rows.dtype)
    gathered = _from_all(padded.view(np.uint8)).view(rows.dtype)
    return np.concatenate([part[:n] for part, n in zip(gathered, lengths, strict=True)])


def _from_all(array: np.ndarray) -> Any:
    """Stacks the arrays of all processes, which must have the same shape."""
    return process_allgather(array).reshape(count(), *array.shape)
