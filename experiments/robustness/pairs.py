"""The runs of 2d and 2e: two digits, in file order and shuffled."""

from functools import partial

import numpy as np

from experiments import reported
from experiments.robustness.declared import Digits, EveryStep, Pairs
from experiments.robustness.parts import Part, split
from mnist_jax import data, training
from mnist_jax.models import logistic
from mnist_jax.training import Ordering, TrainingResult, TrainingSettings

IN_FILE_ORDER = -1
"""What stands for a seed where nothing is shuffled."""


def chosen(declared: Pairs) -> list[tuple[Digits, int]]:
    """The pairs of digits and batch sizes of a family."""
    every = [(digits, size) for size in declared.batch_sizes for digits in declared.digits]
    if isinstance(declared, EveryStep):
        every += [(reported.DIGITS, size) for size in declared.other_batch_sizes]
    return every


def parts(declared: Pairs) -> list[Part]:
    """The parts of a family, one for each pair of digits and batch size."""
    runs = (1 + declared.seeds) * len(declared.learning_rates)
    return [
        Part(name(digits, size), runs, partial(train, declared, digits, size))
        for digits, size in chosen(declared)
    ]


def name(digits: Digits, batch_size: int) -> str:
    """The name of a part."""
    return f"digits-{digits[0]}-{digits[1]}-batch-{batch_size}"


def settings(batch_size: int, *, every_step: bool) -> TrainingSettings:
    """What the runs of a part have in common."""
    return TrainingSettings(
        epochs=reported.EPOCHS,
        batch_size=batch_size,
        evaluate_every=1 if every_step else None,
        train_accuracy=False,
    )


def ordering(seeds: int) -> Ordering:
    """The order of the files, then shuffled ones."""
    shuffled = training.shuffled(range(seeds))

    def orders(epoch: int, num_examples: int) -> np.ndarray:
        first = training.in_file_order(epoch, num_examples)
        return np.concatenate([first, shuffled(epoch, num_examples)]) if seeds else first

    return orders


def train(declared: Pairs, digits: Digits, batch_size: int, mnist: data.Mnist) -> np.ndarray:
    """Train a part; a row for each order and learning rate, with its curves."""
    every_step = isinstance(declared, EveryStep)
    rates, orders = list(declared.learning_rates), 1 + declared.seeds
    result = training.fit(
        logistic,
        split(mnist, digits),
        training.hyperparameters(rates, num_orders=orders),
        settings(batch_size, every_step=every_step),
        ordering=ordering(declared.seeds),
    )
    return _rows(declared, result, whole=every_step)


def _rows(declared: Pairs, result: TrainingResult, *, whole: bool) -> np.ndarray:
    """A row for each run; with `whole`, the loss of every batch and the last weights too."""
    history = result.history
    curves = {
        "validation_loss": history.evaluations.validation_loss,
        "validation_accuracy": history.evaluations.validation_accuracy,
    }
    columns = {name: np.moveaxis(values, 0, -1) for name, values in curves.items()}
    if whole:
        columns["train_loss"] = np.moveaxis(history.train_loss, 0, -1)
        columns["weights"] = result.weights
    dtypes = [(name, np.float32, values.shape[-1]) for name, values in columns.items()]
    rows = np.zeros(
        result.outcome.shape, [("seed", np.int32), ("learning_rate", np.float64), *dtypes]
    )
    rows["seed"] = np.arange(IN_FILE_ORDER, declared.seeds)[:, None]
    rows["learning_rate"] = declared.learning_rates
    for name, values in columns.items():
        rows[name] = values
    return rows.ravel()
