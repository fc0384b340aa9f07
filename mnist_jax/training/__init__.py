"""The functional training loop: steps, evaluation, early stopping, shuffling, history."""

from mnist_jax.training.history import History, TrainingResult
from mnist_jax.training.loop import fit, train_epoch
from mnist_jax.training.ordering import Ordering, in_file_order, shuffled
from mnist_jax.training.settings import (
    Gradient,
    Hyperparameters,
    Precision,
    Schedule,
    TrainingSettings,
    hyperparameters,
)
from mnist_jax.training.step import Evaluation, Outcome, TrainState, evaluate, train_step
from mnist_jax.training.stopping import Criterion, Lag, Never, Patience, stopping_step

__all__ = [
    "Criterion",
    "Evaluation",
    "Gradient",
    "History",
    "Hyperparameters",
    "Lag",
    "Never",
    "Ordering",
    "Outcome",
    "Patience",
    "Precision",
    "Schedule",
    "TrainState",
    "TrainingResult",
    "TrainingSettings",
    "evaluate",
    "fit",
    "hyperparameters",
    "in_file_order",
    "shuffled",
    "stopping_step",
    "train_epoch",
    "train_step",
]
