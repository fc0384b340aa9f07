"""scikit-learn: validation accuracy of its classifiers during training."""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier

from experiments.benchmarks.work import LEARNING_RATE, Work, arrays


def epochs_of_sgd(work: Work) -> Iterator[float]:
    """Yields the validation accuracy of SGDClassifier after every epoch.

    It trains one binary problem per digit, with one example per step.
    """
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
    train, validation = arrays(work.split, "float64")
    model = LogisticRegression(C=1e6, max_iter=step, warm_start=True)
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped before it converges
            model.fit(train.inputs[:, :-1], train.labels)
        yield model.score(validation.inputs[:, :-1], validation.labels)
