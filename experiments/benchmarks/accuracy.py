"""Time to a given validation accuracy, compared with the classifiers of scikit-learn."""

import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments.benchmarks.peers import library
from experiments.benchmarks.timing import timed
from experiments.benchmarks.work import LEARNING_RATE, Work, arrays
from mnist_jax.models import softmax
from mnist_jax.training import TrainingSettings, fit, hyperparameters, shuffled

TIME_LIMIT = 60.0
"""Seconds after which a classifier is abandoned."""


def measure(work: Work) -> dict[str, Any]:
    """Measures the time to the accuracy that this library has after half of its epochs.

    Returns:
        The accuracy, and the seconds by name; None for a classifier that does not reach it.
    """
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
        "SGDClassifier": _time_to(target, epochs_of_sgd(work)),
        "LogisticRegression": _time_to(target, iterations_of_lbfgs(work)),
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


def epochs_of_sgd(work: Work) -> Iterator[float]:
    """Yields the validation accuracy of SGDClassifier after every epoch.

    It trains one binary problem per digit, with one example per step.
    """
    from sklearn.linear_model import SGDClassifier

    train, validation = arrays(work.split, "float64")
    rng = np.random.default_rng(0)
    model = SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=LEARNING_RATE / 10, alpha=1e-6
    )
    for _ in range(work.epochs):
        order = rng.permutation(len(train.labels))
        model.partial_fit(train.inputs[order, :-1], train.labels[order], classes=np.arange(10))
        yield model.score(validation.inputs[:, :-1], validation.labels)


def iterations_of_lbfgs(work: Work, step: int = 2) -> Iterator[float]:
    """Yields the validation accuracy of LogisticRegression after every `step` L-BFGS iterations."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train, validation = arrays(work.split, "float64")
    model = LogisticRegression(C=1e6, max_iter=step, warm_start=True)
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped before it converges
            model.fit(train.inputs[:, :-1], train.labels)
        yield model.score(validation.inputs[:, :-1], validation.labels)
