"""NumPy, one step after another: in double precision as in the report's course, or tuned."""

from collections.abc import Callable

import numpy as np

from experiments.benchmarks.work import LEARNING_RATE, Arrays, Final, Trained, Work, arrays

Step = Callable[[np.ndarray, np.ndarray, np.ndarray], float]
"""Function of weights, inputs and targets that updates the weights and returns the loss."""


def course_step(weights: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Takes one step as the course's solution does."""
    logits = inputs @ weights
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    predictions = exponentials / exponentials.sum(axis=1, keepdims=True)
    weights -= LEARNING_RATE * (-inputs.T @ (targets - predictions) / len(inputs))
    return -np.mean(np.sum(targets * np.log(predictions), axis=1))


def tuned_step(weights: np.ndarray, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Takes one step with few temporary arrays and one BLAS call for each product."""
    logs = log_softmax(inputs @ weights)
    errors = np.exp(logs) - targets
    errors *= np.float32(LEARNING_RATE / len(inputs))
    weights -= inputs.T @ errors
    return -logs[targets > 0].mean()


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Computes the log-softmax of each row in place."""
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


def evaluate(weights: np.ndarray, train: Arrays, validation: Arrays) -> Final:
    """Computes loss and accuracies."""
    logits = validation.inputs @ weights
    hits = logits.argmax(axis=1) == validation.labels
    log_likelihoods = log_softmax(logits)[np.arange(len(logits)), validation.labels]
    train_hits = (train.inputs @ weights).argmax(axis=1) == train.labels
    return Final(-float(log_likelihoods.mean()), float(hits.mean()), float(train_hits.mean()))


def prepare(work: Work, *, tuned: bool = False) -> Trained:
    """Prepares the work in NumPy: `tuned` in single precision, otherwise as in the course."""
    train, validation = arrays(work.split, "float32" if tuned else "float64")
    take_step: Step = tuned_step if tuned else course_step

    def run() -> Final:
        weights = np.zeros((train.inputs.shape[1], 10), train.inputs.dtype)
        losses, evaluations = [], []
        for step, rows in enumerate(work.batches()):
            losses.append(take_step(weights, train.inputs[rows], train.targets[rows]))
            if step % work.evaluate_every == 0:
                evaluations.append(evaluate(weights, train, validation))
        return evaluations[-1]

    return run
