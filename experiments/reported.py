"""Every number and sentence that the report states, each once, with its task."""

from dataclasses import dataclass
from enum import StrEnum


class TaskName(StrEnum):
    """The report's tasks: module, folder of the results, and name in what is written."""

    GRADIENTS = "task1_gradients"
    LOGISTIC = "task2_logistic"
    SOFTMAX = "task3_softmax"
    REGULARIZATION = "task4_regularization"


@dataclass(frozen=True)
class Statement:
    """A sentence of the report that can be judged."""

    id: str  # short name of the claim
    task: str  # experiment that measures it
    says: str  # what the report says


TITLE, AUTHOR, DATE = "TDT4265 Assignment 1: MNIST Classification", "Halvor Bakken Smedås", "2022"

# the setting of tasks 2 to 4
TRAIN_SIZE, VALIDATION_SIZE = 18_000, 2_000
BATCH_SIZE, EPOCHS = 128, 50
LOGISTIC_RATE, SOFTMAX_RATE = 0.05, 0.01
DIGITS = (2, 3)

# tasks 1a, 1b and 4a: the gradients, and the equations at which their derivations arrive
GRADIENTS = {
    "1a": Statement(
        "gradient-1a",
        TaskName.GRADIENTS,
        "the gradient of the binary cross entropy is -(y - ŷ) x",
    ),
    "1b": Statement(
        "gradient-1b",
        TaskName.GRADIENTS,
        "the gradient of the categorical cross entropy is -x (y - ŷ)",
    ),
    "4a": Statement("gradient-4a", TaskName.GRADIENTS, "the penalty adds 2 λ w to the gradient"),
}
DERIVED = {"1a": "1a.25", "1b": "23", "4a": "27"}

# task 2
STEPS_PER_EPOCH, EVALUATE_EVERY = 28, 5
SCHEDULE = Statement("schedule", TaskName.LOGISTIC, "28 steps an epoch, validation every 5th")
EVALUATIONS_TO_STOP = 10
STOPPING_STEP = 75
STOPS = Statement(
    "stopping-step", TaskName.LOGISTIC, "with early stopping, training stops at step 75"
)
STOPPING_RANGE = (65, 195)
STOPS_SHUFFLED = Statement(
    "stopping-range", TaskName.LOGISTIC, "with shuffling it stops in [65, 195]"
)
OVERFITTING_STEP = 600
SENSITIVITY = Statement(
    "sensitivity",
    TaskName.LOGISTIC,
    "the criterion is too sensitive; overfitting starts near step 600",
)
SPIKES = 10
SPIKE_COUNT = Statement(
    "spike-count",
    TaskName.LOGISTIC,
    "10 spikes in validation accuracy without shuffling, in truth one in every epoch",
)
SPIKE_PLACE = Statement(
    "spike-place", TaskName.LOGISTIC, "the spikes sit at the start of the epoch"
)
SHUFFLING = Statement("shuffling", TaskName.LOGISTIC, "shuffling removes the spikes")

# task 3
CLASS_PERCENTAGES = (10.35, 11.50, 9.90, 10.35, 9.70, 8.45, 10.10, 10.75, 9.35, 9.55)
CLASS_SHARES = Statement(
    "class-shares",
    TaskName.SOFTMAX,
    "class shares of the sequential validation set, ten numbers",
)
TOO_GOOD = Statement("too-good", TaskName.SOFTMAX, "sequential validation looks too good")
SLIGHT_OVERFITTING = Statement(
    "slight-overfitting",
    TaskName.SOFTMAX,
    "stochastic validation shows slight overfitting",
)

# task 4
L2_FACTORS = (0.0, 0.002, 0.02, 0.2, 2.0)
NOISE = Statement("noise", TaskName.REGULARIZATION, "weights at λ = 2 are less noisy")
ACCURACY_FALLS = Statement("accuracy-falls", TaskName.REGULARIZATION, "accuracy falls as λ grows")
NORM_EXPONENT = -1.0
NORM_INVERSE = Statement(
    "norm-inverse",
    TaskName.REGULARIZATION,
    "the norm of the weights is about inversely proportional to λ",
)
