"""Time to a given validation accuracy, compared with the classifiers of scikit-learn."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments.benchmarks.peers import library
from experiments.benchmarks.timing import timed
from experiments.benchmarks.work import LEARNING_RATE, Work
from mnist_jax.models import softmax
from mnist_jax.training import TrainingSettings, fit, hyperparameters, shuffled

TIME_LIMIT = 60.0
"""Seconds after which a classifier is abandoned."""


def measure(work: Work) -> dict[str, Any]:
    """Measures the time to the accuracy that this library has after half of its epochs.

    Returns:
        The accuracy, and the seconds by name; None for a classifier that does not reach it.
    """
    from experiments.benchmarks.peers import scikit_learn

    settings = TrainingSettings(epochs=work.epochs, batch_size=work.batch_size)
    values = hyperparameters(LEARNING_RATE)
    run = fit(softmax, work.split, values, settings, ordering=shuffled([0]))
    accuracy = run.history.evaluations.validation_accuracy[:, 0, 0]
    target = float(accuracy[len(accuracy) // 2])
    step = int(run.history.evaluation_steps[np.argmax(accuracy >= target)])
    epochs = step // work.steps_per_epoch + 1
    train = library.prepare(work._replace(epochs=epochs))
    train()  # compiles
    seconds = {
        "mnist_jax": timed(train)[0],
        "SGDClassifier": _time_to(target, scikit_learn.epochs_of_sgd(work)),
        "LogisticRegression": _time_to(target, scikit_learn.iterations_of_lbfgs(work)),
    }
    return {"validation_accuracy": target, "epochs": epochs, "seconds": seconds}


def _time_to(target: float, accuracies: Iterator[float]) -> float | None:
    start = time.perf_counter()
    for accuracy in accuracies:
        seconds = time.perf_counter() - start
        if accuracy >= target:
            return seconds
        if seconds > TIME_LIMIT:
            return None
    return None
