"""NumPy in single precision, as a good user writes it: one BLAS call for each product."""

import numpy as np

from experiments.benchmarks.work import LEARNING_RATE, Arrays, Final, Trained, Work, arrays


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The logarithm of the prediction of each row, in place of the logits."""
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits


def evaluate(weights: np.ndarray, train: Arrays, validation: Arrays) -> Final:
    """Loss and accuracies."""
    logits = validation.inputs @ weights
    hits = logits.argmax(axis=1) == validation.labels
    right = log_softmax(logits)[np.arange(len(logits)), validation.labels]
    train_hits = (train.inputs @ weights).argmax(axis=1) == train.labels
    return Final(-float(right.mean()), float(hits.mean()), float(train_hits.mean()))


def prepare(work: Work) -> Trained:
    """The work in NumPy."""
    train, validation = arrays(work.split, "float32")

    def run() -> Final:
        rng = np.random.default_rng(0)
        weights = np.zeros((train.inputs.shape[1], 10), np.float32)
        rows_of_batch = np.arange(work.batch_size)
        losses, evaluations, step = [], [], 0
        for _ in range(work.epochs):
            order = rng.permutation(len(train.labels))
            for batch in range(work.steps_per_epoch):
                rows = order[batch * work.batch_size : (batch + 1) * work.batch_size]
                inputs, labels = train.inputs[rows], train.labels[rows]
                logs = log_softmax(inputs @ weights)
                losses.append(-logs[rows_of_batch, labels].mean())
                errors = np.exp(logs) - train.targets[rows]
                errors *= np.float32(LEARNING_RATE / work.batch_size)
                weights -= inputs.T @ errors
                if step % work.evaluate_every == 0:
                    evaluations.append(evaluate(weights, train, validation))
                step += 1
        return evaluations[-1]

    return run
