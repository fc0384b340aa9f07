"""NumPy in double precision, one step after the other: the manner of the report's course."""

import numpy as np

from experiments.benchmarks.work import LEARNING_RATE, Arrays, Final, Trained, Work, arrays


def softmax(logits: np.ndarray) -> np.ndarray:
    """The prediction of each row."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def evaluate(weights: np.ndarray, train: Arrays, validation: Arrays) -> Final:
    """Loss and accuracies."""
    predictions = softmax(validation.inputs @ weights)
    loss = -np.mean(np.sum(validation.targets * np.log(predictions), axis=1))
    hits = predictions.argmax(axis=1) == validation.labels
    train_hits = (train.inputs @ weights).argmax(axis=1) == train.labels
    return Final(float(loss), float(hits.mean()), float(train_hits.mean()))


def prepare(work: Work) -> Trained:
    """The work in NumPy."""
    train, validation = arrays(work.split, "float64")

    def run() -> Final:
        rng = np.random.default_rng(0)
        weights = np.zeros((train.inputs.shape[1], 10))
        losses, evaluations, step = [], [], 0
        for _ in range(work.epochs):
            order = rng.permutation(len(train.labels))
            for batch in range(work.steps_per_epoch):
                rows = order[batch * work.batch_size : (batch + 1) * work.batch_size]
                inputs, targets = train.inputs[rows], train.targets[rows]
                predictions = softmax(inputs @ weights)
                losses.append(-np.mean(np.sum(targets * np.log(predictions), axis=1)))
                gradient = -inputs.T @ (targets - predictions) / len(inputs)
                weights -= LEARNING_RATE * gradient
                if step % work.evaluate_every == 0:
                    evaluations.append(evaluate(weights, train, validation))
                step += 1
        return evaluations[-1]

    return run
