"""The runs of 3d: ten digits, judged on every image of the test set."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from experiments.robustness.declared import HeldOut
from experiments.robustness.parts import Part, split
from mnist_jax import data, training
from mnist_jax.features import make_inputs
from mnist_jax.models import softmax
from mnist_jax.sweeps import Part as Runs
from mnist_jax.sweeps import train_part
from mnist_jax.training.accuracy import count_train_correct

OTHER_WRITERS = 5_001
"""Test images before this place were written by some 250 students, those from it on by some 50
employees of the census: Yadav and Bottou, Cold Case: The Lost MNIST Digits, 2019."""


def parts(declared: HeldOut) -> list[Part]:
    """The parts of the family."""
    runs = declared.seeds * len(declared.learning_rates)
    return [
        Part(
            name(train_size, batch_size, epochs),
            runs,
            partial(train, declared, train_size, batch_size, epochs),
        )
        for train_size in declared.train_sizes
        for batch_size in declared.batch_sizes
        for epochs in declared.epochs
    ]


def name(train_size: int, batch_size: int, epochs: int) -> str:
    """The name of a part."""
    return f"train-size-{train_size}-batch-{batch_size}-epochs-{epochs}"


def train(
    declared: HeldOut, train_size: int, batch_size: int, epochs: int, mnist: data.Mnist
) -> np.ndarray:
    """Train a part; a row for each seed and rate, with what it makes of every test image."""
    examples = split(mnist, train_size=train_size)
    settings = training.TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        evaluate_every=train_size // batch_size,
        train_accuracy=False,
    )
    runs = Runs(range(declared.seeds), [(rate, 0.0) for rate in declared.learning_rates])
    weights = jnp.asarray(train_part(softmax, examples, runs, settings).weights)
    columns = [("seed", np.int32), ("learning_rate", np.float64), ("train_accuracy", np.float64)]
    rows = np.zeros(weights.shape[:2], [*columns, ("correct", bool, len(mnist.test.labels))])
    rows["seed"] = np.asarray(runs.seeds)[:, None]
    rows["learning_rate"] = declared.learning_rates
    images, labels = map(jnp.asarray, examples.train)
    counts = count_train_correct(softmax, weights[None], images, labels)
    rows["train_accuracy"] = counts[0] / train_size
    predictions = np.asarray(_predictions(weights, jnp.asarray(mnist.test.images)))
    rows["correct"] = predictions == mnist.test.labels
    return rows.ravel()


@jax.jit
def _predictions(weights: jax.Array, images: jax.Array) -> jax.Array:
    inputs = make_inputs(images, weights.dtype)
    return jax.vmap(jax.vmap(softmax.predict, (0, None)), (0, None))(weights, inputs)


def window_accuracies(
    correct: Bool[np.ndarray, " test"], size: int
) -> Float[np.ndarray, " windows"]:
    """The accuracy on every window of consecutive images, by its first.

    Example:
        >>> window_accuracies(np.array([True, False, True, True]), 2).tolist()
        [0.5, 0.5, 1.0]
    """
    total = np.concatenate([[0], np.cumsum(correct)])
    return (total[size:] - total[:-size]) / size


def change_point(correct: Bool[np.ndarray, " test"]) -> int:
    """The place at which the accuracy changes: the two parts differ most, in standard errors.

    Example:
        >>> change_point(np.arange(100) >= 60)
        60
    """
    count = len(correct)
    before = np.arange(1, count)
    right = np.cumsum(correct)[:-1]
    difference = (correct.sum() - right) / (count - before) - right / before
    errors = np.sqrt(1 / before + 1 / (count - before))
    return int(before[np.argmax(np.abs(difference) / errors)])
