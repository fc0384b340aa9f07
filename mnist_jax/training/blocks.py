"""Blocks of batch orders, each trained by one call of the compiled program."""

import math
from typing import NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Int, Int32, Real, UInt32

from mnist_jax.models import Model, Weights
from mnist_jax.training.accuracy import count_train_correct
from mnist_jax.training.devices import Placement
from mnist_jax.training.plan import Plan
from mnist_jax.training.program import Record, TrainingData, train_periods
from mnist_jax.training.settings import Hyperparameters, Schedule, TrainingSettings
from mnist_jax.training.step import Outcome, TrainState, init_states
from mnist_jax.training.tuning import Tuning

Tree = TypeVar("Tree")
Block = Int[np.ndarray, " block"] | slice
"""Indices of batch orders that are trained together, or a slice of all."""


class Trained(NamedTuple):
    """Results of a block in one program, which the device may still be computing."""

    first_step: int
    block: Block
    record: Record
    weights: Weights  # after each period, (periods, orders, runs)


class Training(NamedTuple):
    """What all programs of a training have in common."""

    model: Model
    settings: TrainingSettings
    values: Hyperparameters
    # on the devices
    data: TrainingData
    placement: Placement
    tuned: Tuning
    # division of the steps into programs, and of the orders into blocks
    plan: Plan
    block_size: int

    @property
    def schedule(self) -> Schedule:
        """Schedule of an epoch."""
        return self.settings.schedule(len(self.data.labels))

    def epochs_done(self, next_step: int) -> int:
        """Returns the number of complete epochs before a step."""
        return min(max(next_step, 0), self.plan.num_steps) // self.schedule.steps_per_epoch

    def start(self, seeds: UInt32[np.ndarray, " orders"]) -> TrainState:
        """Returns the states before the first step."""
        num_inputs = len(self.data.validation.inputs)
        return init_states(self.model, self.settings, self.values, num_inputs, seeds)

    def train(
        self,
        states: TrainState,
        batches: Int32[np.ndarray, "periods steps orders B"],
        first_step: int,
        tuned: Tuning,
    ) -> tuple[TrainState, list[Trained]]:
        """Trains all runs for the periods of one program, one block of orders after another."""
        results = []
        for block in blocks(np.asarray(states.outcome), self.block_size):
            block_states, *trained = train_periods(
                self.model,
                self.settings.compiled,
                states=self.placement.runs(_take(states, block)),
                hyperparameters=self.placement.runs(_take(self.values, block)),
                batches=self.placement.batches(batches[:, :, block]),
                data=self.data,
                first_step=first_step,
                num_steps=self.plan.num_steps,
                tuned=tuned,
            )
            states = _put(states, block, block_states)
            results.append(Trained(first_step, block, *trained))
        return states, results

    def count_correct(self, weights: Weights) -> Real[np.ndarray, "periods orders runs"]:
        """Counts correct training examples; NaN if the settings do not ask for them."""
        shape = jax.tree.leaves(weights)[0].shape[:3]
        if not self.settings.train_accuracy:
            return np.full(shape, np.nan)
        images, labels, inputs = self.data.images, self.data.labels, self.settings.inputs
        tile = self.tuned.rows(math.prod(shape))
        return count_train_correct(self.model, weights, images, labels, inputs=inputs, tile=tile)


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
        return [slice(None)]
    running = np.flatnonzero((outcome == Outcome.RUNNING).any(axis=1))
    starts = range(0, len(running), block_size)
    return [np.resize(running[start : start + block_size], block_size) for start in starts]


def _take(tree: Tree, block: Block) -> Tree:
    return tree if isinstance(block, slice) else jax.tree.map(lambda a: a[block], tree)


def _put(tree: Tree, block: Block, values: Tree) -> Tree:
    if isinstance(block, slice):
        return values
    return jax.tree.map(lambda array, part: array.at[block].set(part), tree, values)
