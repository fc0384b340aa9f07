"""Which batch orders are trained together, and the training of all of them for one program."""

from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Int, Int32

from mnist_jax.models import Weights
from mnist_jax.training.devices import Placement
from mnist_jax.training.program import Record
from mnist_jax.training.settings import Hyperparameters
from mnist_jax.training.step import Outcome, TrainState

Tree = TypeVar("Tree")
Block = Int[np.ndarray, " some"] | slice
"""Batch orders that are trained together."""
EVERYTHING = slice(None)


def train_blocks(
    program: Callable[..., tuple[TrainState, Record, Weights]],
    states: TrainState,
    values: Hyperparameters,
    batches: Int32[np.ndarray, "periods steps orders B"],
    at_once: int,
    placement: Placement,
) -> tuple[TrainState, list[tuple[Block, Record, Weights]]]:
    """Trains all runs for the periods of one program, so many orders at a time.

    Args:
        program: `train_periods`, with all that is the same for every block.
        states: All runs, (orders, runs).
        values: Their hyperparameters.
        batches: Batches of all orders.
        at_once: Orders of a block.
        placement: Where they are trained.

    Returns:
        All runs; of each block what was measured, and the weights after each period. The device
        may still be computing them.
    """
    trained: list[tuple[Block, Record, Weights]] = []
    for block in blocks(np.asarray(states.outcome), at_once):
        some, record, weights = program(
            states=placement.runs(_take(states, block)),
            hyperparameters=placement.runs(_take(values, block)),
            batches=placement.batches(batches[:, :, block]),
        )
        states = _put(states, block, some)
        trained.append((block, record, weights))
    return states, trained


def newly_diverged(before: TrainState, after: TrainState) -> bool:
    """Whether a run has diverged in the programs that made `after` of `before`."""
    diverged = [np.asarray(states.outcome) == Outcome.DIVERGED for states in (before, after)]
    return bool((diverged[1] & ~diverged[0]).any())


def blocks(outcome: Int[np.ndarray, "orders runs"], at_once: int) -> list[Block]:
    """Which batch orders to train together: those with a run that has not ended.

    Args:
        outcome: Outcome of every run.
        at_once: Orders of a block.

    Returns:
        Their indices; the last block, if it is short, names its first order again and again, so
        that all are of one size. Everything, if a block has room for it.

    Example:
        >>> outcome = np.array([[0], [2], [0], [0]])  # the second has stopped early
        >>> [block.tolist() for block in blocks(outcome, at_once=2)]
        [[0, 2], [3, 3]]
    """
    if at_once == len(outcome):
        return [EVERYTHING]
    running = np.flatnonzero((outcome == Outcome.RUNNING).any(axis=1))
    starts = range(0, len(running), at_once)
    return [np.resize(running[start : start + at_once], at_once) for start in starts]


def _take(tree: Tree, block: Block) -> Tree:
    return tree if isinstance(block, slice) else jax.tree.map(lambda a: a[block], tree)


def _put(tree: Tree, block: Block, some: Tree) -> Tree:
    if isinstance(block, slice):
        return some
    return jax.tree.map(lambda whole, part: whole.at[block].set(part), tree, some)
