"""How long until a validation accuracy is reached, against scikit-learn's classifiers."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments.benchmarks.peers import library, scikit_learn
from experiments.benchmarks.work import LEARNING_RATE, Work
from mnist_jax.models import softmax
from mnist_jax.training import TrainingSettings, fit, hyperparameters, shuffled

LONGEST = 60.0
"""Seconds after which a classifier is given up."""


def measure(work: Work) -> dict[str, Any]:
    """Seconds until each has reached what this library has after half of its epochs.

    Args:
        work: To be done.

    Returns:
        The accuracy, and by name the seconds; None for one that did not come so far.
    """
    run = fit(
        softmax,
        work.split,
        hyperparameters(LEARNING_RATE),
        TrainingSettings(epochs=work.epochs, batch_size=work.batch_size),
        ordering=shuffled([0]),
    )
    accuracy = run.history.evaluations.validation_accuracy[:, 0, 0]
    wanted = float(accuracy[len(accuracy) // 2])
    reached = int(run.history.evaluation_steps[np.argmax(accuracy >= wanted)])
    epochs = reached // work.steps_per_epoch + 1
    ours = library.prepare(work._replace(epochs=epochs))
    ours()  # compiles
    start = time.perf_counter()
    ours()
    return {
        "validation_accuracy": wanted,
        "epochs": epochs,
        "seconds": {
            "mnist_jax": time.perf_counter() - start,
            "SGDClassifier": _until(wanted, scikit_learn.epochs_of_sgd(work)),
            "LogisticRegression": _until(wanted, scikit_learn.iterations_of_lbfgs(work)),
        },
    }


def _until(wanted: float, accuracies: Iterator[float]) -> float | None:
    start = time.perf_counter()
    for accuracy in accuracies:
        seconds = time.perf_counter() - start
        if accuracy >= wanted:
            return seconds
        if seconds > LONGEST:
            return None
    return None
