"""The runs of task 4: ten digits with every factor of the penalty."""

from functools import partial

import numpy as np

from experiments.robustness.declared import Penalty
from experiments.robustness.parts import Part, split
from experiments.task4_regularization.metrics import penalized_metrics
from mnist_jax import data, training
from mnist_jax.models import softmax
from mnist_jax.sweeps import Part as Runs
from mnist_jax.sweeps import train_part

MEASURES = ("weight_norm", "total_variation_over_size", "last_epoch_validation_accuracy")


def parts(declared: Penalty) -> list[Part]:
    """The parts of the family."""
    runs = declared.seeds * len(declared.learning_rates) * len(declared.l2)
    return [
        Part(
            name(batch_size, epochs),
            runs,
            partial(train, declared, batch_size, epochs),
        )
        for batch_size in declared.batch_sizes
        for epochs in declared.epochs
    ]


def name(batch_size: int, epochs: int) -> str:
    """The name of a part."""
    return f"batch-{batch_size}-epochs-{epochs}"


def train(declared: Penalty, batch_size: int, epochs: int, mnist: data.Mnist) -> np.ndarray:
    """Train a part; a row for each seed, rate and factor, with the measures of task 4."""
    examples = split(mnist)
    settings = training.TrainingSettings(epochs=epochs, batch_size=batch_size, train_accuracy=False)
    pairs = [(rate, l2) for rate in declared.learning_rates for l2 in declared.l2]
    result = train_part(softmax, examples, Runs(range(declared.seeds), pairs), settings)
    names = ("learning_rate", "l2", *MEASURES)
    rows = np.zeros(result.outcome.shape, [("seed", np.int32), *((n, np.float64) for n in names)])
    rows["seed"] = np.arange(declared.seeds)[:, None]
    rows["learning_rate"], rows["l2"] = np.transpose(pairs)
    for order, run in np.ndindex(rows.shape):
        measured = penalized_metrics(result.run(order, run))
        for name in MEASURES:
            rows[name][order, run] = measured[name]
    return rows.ravel()
