"""Blocks of batch orders, each trained by one call of the compiled program."""

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
Block = Int[np.ndarray, " block"] | slice
"""Indices of batch orders that are trained together, or a slice of all."""
ALL_ORDERS = slice(None)


def train_blocks(
    program: Callable[..., tuple[TrainState, Record, Weights]],
    states: TrainState,
    values: Hyperparameters,
    batches: Int32[np.ndarray, "periods steps orders B"],
    block_size: int,
    placement: Placement,
) -> tuple[TrainState, list[tuple[Block, Record, Weights]]]:
    """Trains all runs for the periods of one program, one block of orders after another.

    Args:
        program: Function `train_periods` with the arguments that all blocks share.
        states: States of all runs, (orders, runs).
        values: Hyperparameters of the runs.
        batches: Batches of all orders.
        block_size: Number of orders in a block.
        placement: Placement on devices.

    Returns:
        The new states; for each block, its measurements and the weights after each period. The
        device may still be computing them.
    """
    trained: list[tuple[Block, Record, Weights]] = []
    for block in blocks(np.asarray(states.outcome), block_size):
        block_states, record, weights = program(
            states=placement.runs(_take(states, block)),
            hyperparameters=placement.runs(_take(values, block)),
            batches=placement.batches(batches[:, :, block]),
        )
        states = _put(states, block, block_states)
        trained.append((block, record, weights))
    return states, trained


def newly_diverged(before: TrainState, after: TrainState) -> bool:
    """Returns whether a run diverged between two states."""
    diverged = [np.asarray(states.outcome) == Outcome.DIVERGED for states in (before, after)]
    return bool((diverged[1] & ~diverged[0]).any())


def blocks(outcome: Int[np.ndarray, "orders runs"], block_size: int) -> list[Block]:
    """Divides the batch orders with unfinished runs into blocks.

    Returns:
        Indices of the orders; a short last block is padded with its own orders, so that all blocks
        have the same size. A single slice if one block holds all orders.

    Example:
        >>> outcome = np.array([[0], [2], [0], [0]])  # the second has stopped early
        >>> [block.tolist() for block in blocks(outcome, block_size=2)]
        [[0, 2], [3, 3]]
    """
    if block_size == len(outcome):
        return [ALL_ORDERS]
    running = np.flatnonzero((outcome == Outcome.RUNNING).any(axis=1))
    starts = range(0, len(running), block_size)
    return [np.resize(running[start : start + block_size], block_size) for start in starts]


def _take(tree: Tree, block: Block) -> Tree:
    return tree if isinstance(block, slice) else jax.tree.map(lambda a: a[block], tree)


def _put(tree: Tree, block: Block, values: Tree) -> Tree:
    if isinstance(block, slice):
        return values
    return jax.tree.map(lambda array, part: array.at[block].set(part), tree, values)
