"""The functional training loop: steps, evaluation, early stopping, shuffling, history."""

from mnist_jax.training.checkpoint import Checkpoint
from mnist_jax.training.devices import Placement
from mnist_jax.training.history import Evaluation, History, TrainingResult
from mnist_jax.training.loop import fit
from mnist_jax.training.ordering import Ordering, Shuffled, in_file_order, shuffled
from mnist_jax.training.program import train_periods
from mnist_jax.training.settings import (
    Gradient,
    Hyperparameters,
    Precision,
    Schedule,
    TrainingSettings,
    hyperparameters,
)
from mnist_jax.training.step import Outcome, TrainState, train_step, validate
from mnist_jax.training.stopping import Criterion, Lag, Never, Patience, stopping_step

__all__ = [
    "Checkpoint",
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
    "Placement",
    "Precision",
    "Schedule",
    "Shuffled",
    "TrainState",
    "TrainingResult",
    "TrainingSettings",
    "fit",
    "hyperparameters",
    "in_file_order",
    "shuffled",
    "stopping_step",
    "train_periods",
    "train_step",
    "validate",
]
