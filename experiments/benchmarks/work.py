"""The benchmark task: the report's softmax regression, with every evaluation."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int32

from mnist_jax.data import Split

LEARNING_RATE = 0.01


class Work(NamedTuple):
    """A softmax regression to train."""

    split: Split  # training and validation examples
    epochs: int  # passes over the training set, each in a new order
    batch_size: int = 128  # examples per step; the incomplete last batch is dropped

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps in an epoch."""
        return len(self.split.train.labels) // self.batch_size

    @property
    def evaluate_every(self) -> int:
        """Number of steps between two evaluations."""
        return max(1, self.steps_per_epoch // 5)

    @property
    def steps(self) -> int:
        """Number of steps in all epochs."""
        return self.epochs * self.steps_per_epoch

    @property
    def evaluations(self) -> int:
        """Number of evaluations: validation loss, validation accuracy, training accuracy."""
        return -(-self.steps // self.evaluate_every)

    def batches(self) -> Iterator[Int[np.ndarray, " batch_size"]]:
        """Yields the rows of the batch of each step, reshuffled in every epoch."""
        rng = np.random.default_rng(0)
        for _ in range(self.epochs):
            order = rng.permutation(len(self.split.train.labels))
            for start in range(0, self.steps_per_epoch * self.batch_size, self.batch_size):
                yield order[start : start + self.batch_size]


class Final(NamedTuple):
    """The last evaluation."""

    validation_loss: float
    validation_accuracy: float
    train_accuracy: float


class Arrays(NamedTuple):
    """Examples in the usual form: normalised, with a bias column and one-hot targets."""

    inputs: Float[np.ndarray, "N I"]
    targets: Float[np.ndarray, "N K"]
    labels: Int32[np.ndarray, " N"]


Trained = Callable[[], Final]
"""Function that trains from the beginning, with all evaluations."""


def arrays(split: Split, dtype: str) -> tuple[Arrays, Arrays]:
    """Converts training and validation examples to arrays of a floating dtype."""

    def convert(images: np.ndarray, labels: np.ndarray) -> Arrays:
        ones = np.ones((len(images), 1))
        inputs = np.concatenate([images / 127.5 - 1, ones], axis=1).astype(dtype)
        return Arrays(inputs, np.eye(10, dtype=dtype)[labels], labels)

    return convert(*split.train), convert(*split.validation)
