"""The work that is measured: the report's training of ten digits, with every evaluation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int32

from mnist_jax.data import Split

LEARNING_RATE = 0.01


class Work(NamedTuple):
    """A softmax regression to train.

    Attributes:
        split: Training and validation examples.
        epochs: Passes over the training set, each in a new order.
        batch_size: Examples per step; the incomplete last batch is dropped.
    """

    split: Split
    epochs: int
    batch_size: int = 128

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch."""
        return len(self.split.train.labels) // self.batch_size

    @property
    def evaluate_every(self) -> int:
        """Steps between two evaluations."""
        return max(1, self.steps_per_epoch // 5)

    @property
    def steps(self) -> int:
        """Number of steps in all epochs."""
        return self.epochs * self.steps_per_epoch

    @property
    def evaluations(self) -> int:
        """Each of the validation loss and accuracy, and the accuracy on all training images."""
        return -(-self.steps // self.evaluate_every)


class Final(NamedTuple):
    """The last evaluation."""

    validation_loss: float
    validation_accuracy: float
    train_accuracy: float


class Arrays(NamedTuple):
    """Examples as most people hold them: normalised, the bias a column, labels as one-hot rows."""

    inputs: Float[np.ndarray, "N I"]
    targets: Float[np.ndarray, "N K"]
    labels: Int32[np.ndarray, " N"]


Trained = Callable[[], Final]
"""Trains from the beginning, and evaluates on the way."""


def arrays(split: Split, dtype: str) -> tuple[Arrays, Arrays]:
    """Training and validation examples.

    Args:
        split: With pixels.
        dtype: Dtype of inputs and targets.

    Returns:
        Both.
    """

    def of(images: np.ndarray, labels: np.ndarray) -> Arrays:
        ones = np.ones((len(images), 1))
        inputs = np.concatenate([images / 127.5 - 1, ones], axis=1).astype(dtype)
        return Arrays(inputs, np.eye(10, dtype=dtype)[labels], labels)

    return of(*split.train), of(*split.validation)
