"""Training as one would write it in plain NumPy, one run and one step at a time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from mnist_jax.data import Examples, Split
from mnist_jax.training import Outcome


class Run(NamedTuple):
    """What the NumPy loop leaves of one run; NaN after its end."""

    weights: np.ndarray
    best_weights: np.ndarray
    best_step: int
    outcome: Outcome
    last_step: int
    train_loss: np.ndarray
    evaluations: np.ndarray


def _logits(weights: np.ndarray, data: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and logits; logistic regression has two classes, one of which has the logit 0."""
    ones = np.ones((len(data.images), 1))
    inputs = np.concatenate([data.images / 127.5 - 1, ones], axis=1).astype(weights.dtype)
    logits = inputs @ weights.T
    return inputs, logits if weights.ndim == 2 else np.stack([0 * logits, logits], axis=1)


def _loss(logits: np.ndarray, labels: np.ndarray) -> float:
    return -np.mean(log_softmax(logits, axis=1)[np.arange(len(labels)), labels])


def _gradient(weights: np.ndarray, batch: Examples) -> tuple[float, np.ndarray]:
    inputs, logits = _logits(weights, batch)
    error = softmax(logits, axis=1) - np.eye(logits.shape[1], dtype=logits.dtype)[batch.labels]
    gradient = error.T @ inputs / len(inputs)
    loss = _loss(logits, batch.labels)
    return loss, gradient if weights.ndim == 2 else gradient[1]


def _evaluation(weights: np.ndarray, split: Split) -> tuple[float, float, float]:
    (_, train), (_, validation) = (_logits(weights, part) for part in split)
    return (
        _loss(validation, split.validation.labels),
        np.mean(validation.argmax(axis=1) == split.validation.labels),
        np.mean(train.argmax(axis=1) == split.train.labels),
    )


Update = Callable[[np.ndarray, int], np.ndarray]


def sgd(learning_rate: float) -> Update:
    return lambda gradient, step: -learning_rate * gradient


def adam(learning_rate: float) -> Update:
    moments: list[Any] = [0.0, 0.0]

    def update(gradient: np.ndarray, step: int) -> np.ndarray:
        moments[0] = 0.9 * moments[0] + 0.1 * gradient
        moments[1] = 0.999 * moments[1] + 0.001 * gradient**2
        mean, square = moments[0] / (1 - 0.9 ** (step + 1)), moments[1] / (1 - 0.999 ** (step + 1))
        return -learning_rate * mean / (np.sqrt(square) + 1e-8)

    return update


@np.errstate(over="ignore", invalid="ignore")
def train(
    weights: np.ndarray, split: Split, batches: np.ndarray, update: Update, l2: float, every: int
) -> Run:
    """Trains one run, on batches (steps, rows), and evaluates it after every `every` steps."""
    train_loss = np.full(len(batches), np.nan)
    evaluations = np.full((len(batches), 3), np.nan)
    best_loss, best_weights, best_step, step = np.inf, weights, -1, -1
    outcome = Outcome.FINISHED
    for step, rows in enumerate(batches):
        batch = Examples(split.train.images[rows], split.train.labels[rows])
        train_loss[step], gradient = _gradient(weights, batch)
        moved = (weights + update(gradient + 2 * l2 * weights, step)).astype(weights.dtype)
        if not (np.isfinite(train_loss[step]) and np.isfinite(moved).all()):
            outcome = Outcome.DIVERGED
            break
        weights = moved
        if step % every == 0:
            evaluations[step] = _evaluation(weights, split)
            if evaluations[step, 0] < best_loss:
                best_loss, best_weights, best_step = evaluations[step, 0], weights, step
            if not np.isfinite(evaluations[step, 0]):
                outcome = Outcome.DIVERGED
                break
    seen = evaluations[::every]
    return Run(weights, best_weights, best_step, outcome, step, train_loss, seen)
