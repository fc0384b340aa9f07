"""What is planted in published claims, in the data and in the code, and what must be found."""

from dataclasses import replace

import numpy as np

from experiments.common.settings import Settings
from experiments.task2_logistic import __main__ as task2
from experiments.task2_logistic import metrics as task2_metrics
from experiments.task3_softmax import __main__ as task3
from experiments.task3_softmax.settings import Task3Settings
from experiments.task4_regularization import __main__ as task4
from experiments.verify.causes import Cause
from mnist_jax import gradients
from mnist_jax.data import Mnist
from mnist_jax.models import softmax
from mnist_jax.training import Lag, Shuffled, hyperparameters

LOSS = "unshuffled/final/validation_loss"
# what is changed in the file after it was written: claim, place, value, number that moves
EDITS = [
    ("stopping-step", f"numbers/{LOSS}", 0.25, LOSS),
    ("spike-place", "numbers/steps_per_epoch", 29, "steps_per_epoch"),
    ("too-good", "numbers/test_set/accuracy", 0.5, "test_set/accuracy"),
    ("slight-overfitting", "settings/seed", 7, "stochastic/final/validation_accuracy"),
    ("stopping-step", "settings/learning_rate", 0.06, LOSS),
    ("too-good", "settings/batch_size", 16, "test_set/accuracy"),
    ("norm-inverse", "settings/l2", [0.0, 0.3, 2.0], "runs/0.2/weight_norm"),
    ("stopping-step", "verdict", "confirmed", "verdict"),
    ("stopping-step", "environment/packages/jax", "0.10.2", None),
    ("stopping-step", "data/t10k-labels-idx1-ubyte", "0" * 64, None),
]

# what an honest file of another place says of it, a number that differs by a factor, the cause
PLACES = [
    ("environment/packages/jax", "0.10.2", 1.01, Cause.VERSIONS, "jax is"),
    ("environment/packages/numpy", "1.0", 1.01, Cause.VERSIONS, "numpy is"),
    ("environment/python", "2.7", 1.01, Cause.VERSIONS, "python is"),
    ("environment/device", "TPU v5", 1.01, Cause.VERSIONS, "device is"),
    ("environment/threads", 99, 1.01, Cause.VERSIONS, "threads is"),
    ("code/mnist_jax/training", "0" * 16, 1.01, Cause.CODE, "mnist_jax/training is"),
    ("data/train-labels-idx1-ubyte", "0" * 64, 1.01, Cause.DATA, "train-labels-idx1-ubyte is"),
    ("environment/packages/jax", "0.10.2", 1 + 2e-8, None, "jax is"),
    ("code/mnist_jax/training", "0" * 16, 1 + 2e-8, None, "mnist_jax/training is"),
    ("environment/device", "TPU v5", 1, None, "device is"),
    ("environment/packages/matplotlib", "9", 1.01, Cause.CODE, "what ran here or there"),
]


def flipped_label(mnist: Mnist) -> Mnist:
    labels = mnist.train.labels.copy()
    two = np.flatnonzero(labels[:900] == 2)[0]
    labels[two] = 3
    return mnist._replace(train=mnist.train._replace(labels=labels))


def swapped_images(mnist: Mnist) -> Mnist:
    order = np.arange(len(mnist.test.labels))
    order[[0, -1]] = order[[-1, 0]]
    return mnist._replace(test=type(mnist.test)(*(values[order] for values in mnist.test)))


def one_pixel(mnist: Mnist) -> Mnist:
    images = mnist.train.images.copy()
    images[5, 400] ^= 255
    return mnist._replace(train=mnist.train._replace(images=images))


# what is changed in the data: the claim, how, the files that are named
OTHER_DATA = [
    ("stopping-step", flipped_label, {"train-labels-idx1-ubyte"}),
    ("class-shares", swapped_images, {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}),
    ("stopping-step", one_pixel, {"train-images-idx3-ubyte"}),
]


def wrong_gradient(w, inputs, targets, l2):
    return 1.001 * gradients.softmax_gradient(w, inputs, targets)


def half_the_penalty(w, inputs, targets, l2):
    return gradients.softmax_gradient(w, inputs, targets) + l2 * w


# what is planted in the code: the claim, where, what, the number that moves
FAULTS = [
    (
        "too-good",
        (task3, "softmax"),
        softmax._replace(gradient=wrong_gradient),
        "sequential/final/validation_loss",
    ),
    (
        "sensitivity",
        (task2_metrics, "CRITERIA"),
        {**task2_metrics.CRITERIA, "lag": Lag(3)},
        "unshuffled/stop_step/lag",
    ),
    (
        "too-good",
        (task3.training, "shuffled"),
        lambda seeds: Shuffled([seed + 1 for seed in seeds]),
        "sequential/final/validation_loss",
    ),
    (
        "norm-inverse",
        (task4, "softmax"),
        softmax._replace(gradient=half_the_penalty),
        "runs/0.2/weight_norm",
    ),
    (
        "stopping-step",
        (task2.training, "hyperparameters"),
        lambda rate, l2: hyperparameters(1.02 * rate, l2),
        LOSS,
    ),
    (
        "too-good",
        (task3, "correct_on_test_set"),
        lambda mnist, run, precision: mnist.test.labels != 4,
        "test_set/accuracy",
    ),
    (
        "slight-overfitting",
        (Task3Settings, "split"),
        lambda self, *given: Settings.split(replace(self, seed=1), *given),
        "stochastic/final/validation_accuracy",
    ),
]
