"""The runs of a sweep, and their division into parts."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mnist_jax.errors import UsageError
from mnist_jax.training import hyperparameters


class Part(NamedTuple):
    """Runs that are trained together: each seed with each pair.

    Attributes:
        seeds: Seeds of the batch orders; None for the order of the files.
        pairs: Pairs of learning rate and factor of the penalty.
    """

    seeds: Sequence[int] | None
    pairs: Sequence[tuple[float, float]]

    @property
    def orders(self) -> int:
        """Number of batch orders."""
        return 1 if self.seeds is None else len(self.seeds)

    @property
    def size(self) -> int:
        """Number of runs."""
        return self.orders * len(self.pairs)


class Grid(NamedTuple):
    """Runs: each seed with each learning rate and each factor of the penalty.

    Attributes:
        seeds: Seeds of the batch orders; None for the order of the files.
        learning_rates: Learning rates of plain stochastic gradient descent.
        l2: Factors of the penalty.
    """

    seeds: Sequence[int] | None
    learning_rates: Sequence[float]
    l2: Sequence[float] = (0.0,)

    @property
    def size(self) -> int:
        """Number of runs."""
        return self.all_runs.size

    @property
    def all_runs(self) -> Part:
        """All runs as one part; raises a UsageError for an empty or invalid grid."""
        if self.seeds is not None and not len(self.seeds):
            raise UsageError("seeds is empty; give one seed for each batch order, or None.")
        for name, values in (("learning_rate", self.learning_rates), ("l2", self.l2)):
            if not len(values):
                raise UsageError(f"{name} is empty; give one number, or several.")
        pairs = [*itertools.product(self.learning_rates, self.l2)]
        hyperparameters(*np.transpose(pairs))
        return Part(self.seeds, pairs)

    def parts(self, runs: int) -> list[Part]:
        """Divides the runs into parts, in the order of the seeds.

        Args:
            runs: Largest number of runs in a part.

        Returns:
            The parts, which contain each run once.

        Example:
            >>> [part.size for part in Grid([1, 2, 3], [0.1, 0.2], [0.0]).parts(4)]
            [4, 2]
            >>> [part.size for part in Grid([1, 2, 3], [0.1, 0.2], [0.0]).parts(1)]
            [1, 1, 1, 1, 1, 1]
        """
        seeds, pairs = self.all_runs
        orders = max(1, runs // len(pairs))
        seed_batches = [None] if seeds is None else list(_batched(seeds, orders))
        return [Part(s, p) for s in seed_batches for p in _batched(pairs, max(runs, 1))]


def _batched(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
