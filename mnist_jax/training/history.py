"""Results of a training: history and outcome of each run, as arrays on the host."""

from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from mnist_jax.training.blocks import Block, Trained, Training
from mnist_jax.training.program import Record
from mnist_jax.training.settings import Schedule
from mnist_jax.training.step import Outcome, TrainState


class Evaluation(NamedTuple):
    """Means over a data set; accuracies are fractions."""

    validation_loss: Float[np.ndarray, "*axes"]
    validation_accuracy: Float[np.ndarray, "*axes"]
    train_accuracy: Float[np.ndarray, "*axes"]


class History(NamedTuple):
    """Measurements during training, with axes (time, orders, runs); NaN after the end of a run.

    Attributes:
        train_loss: Cross entropy of the batch of each step before its update, in nats.
        evaluation_steps: Step after whose update each evaluation was done.
        evaluations: Validation loss, validation accuracy and training accuracy.
    """

    train_loss: Float[np.ndarray, "steps ..."]
    evaluation_steps: Int[np.ndarray, " evaluations"]
    evaluations: Evaluation


class TrainingResult(NamedTuple):
    """Outcome and history of each run, with leading axes (orders, runs)."""

    # after the last step, and at the lowest validation loss; pytrees as in the model
    weights: Any
    best_weights: Any
    best_step: Int[np.ndarray, "..."]
    # an `Outcome`, and its step
    outcome: Int[np.ndarray, "..."]
    last_step: Int[np.ndarray, "..."]
    schedule: Schedule
    history: History

    def run(self, order: int, run: int) -> "TrainingResult":
        """Returns one run, without the axes (orders, runs)."""
        history = self.history._replace(
            train_loss=self.history.train_loss[:, order, run],
            evaluations=Evaluation(*(a[:, order, run] for a in self.history.evaluations)),
        )
        final = jax.tree.map(lambda array: array[order, run], self[:5])
        return TrainingResult(*final, schedule=self.schedule, history=history)


class Recorder:
    """Collects the measurements of all programs into the history of all runs.

    Attributes:
        arrays: Losses of the batches, and the three arrays of `Evaluation`.
    """

    def __init__(self, training: Training, executor: Executor) -> None:
        self._training, self._executor, plan = training, executor, training.plan
        self._pending: list[tuple[int, Block, Record, Future[np.ndarray]]] = []
        lengths = (plan.num_steps, *[len(plan.evaluation_steps)] * len(Evaluation._fields))
        shape, dtype = training.values.l2.shape, training.settings.precision
        self.arrays = [np.full((length, *shape), np.nan, dtype) for length in lengths]

    def add(self, trained: list[Trained]) -> None:
        """Starts to count correct training examples, after the counts of the last program."""
        self.finish()
        count = partial(self._executor.submit, self._training.count_correct)
        self._pending = [
            (first_step, block, jax.device_get(record), count(weights))
            for first_step, block, record, weights in trained
        ]

    def finish(self) -> None:
        """Waits for all counts."""
        for first_step, block, record, count in self._pending:
            self._store(first_step, block, record, count.result())
        self._pending = []

    def _store(self, step: int, block: Block, record: Record, train_correct: np.ndarray) -> None:
        data, plan = self._training.data, self._training.plan
        losses, (running, loss, correct) = record
        correct = correct / len(data.validation.labels)
        means = loss, correct, train_correct / len(data.labels)
        evaluated = [np.where(running, mean, np.nan) for mean in means]
        evaluation = (step - plan.first_step) // plan.period
        begins = (step, evaluation, evaluation, evaluation)
        series = (losses.reshape(-1, *losses.shape[2:]), *evaluated)
        for array, begin, values in zip(self.arrays, begins, series, strict=True):
            target = array[max(begin, 0) : begin + len(values)]  # without the padding
            padding = max(-begin, 0)
            target[:, block] = values[padding : padding + len(target)]

    def result(self, states: TrainState) -> TrainingResult:
        """Returns the result of a training, given the final states on the host."""
        last_step, steps = int(np.max(states.last_step)), self._training.plan.evaluation_steps
        count = int(np.searchsorted(steps, last_step, side="right"))
        train_loss, *evaluations = self.arrays
        evaluated = Evaluation(*(values[:count] for values in evaluations))
        still_running = states.outcome == Outcome.RUNNING
        return TrainingResult(
            weights=jax.tree.map(np.asarray, states.weights),
            best_weights=jax.tree.map(np.asarray, states.best.weights),
            best_step=np.asarray(states.best.step),
            outcome=np.where(still_running, Outcome.FINISHED, states.outcome),
            last_step=np.asarray(states.last_step),
            schedule=self._training.schedule,
            history=History(train_loss[: last_step + 1], steps[:count], evaluated),
        )
