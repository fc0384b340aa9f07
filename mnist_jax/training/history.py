"""Results of a training: history and outcome of each run, as arrays on the host."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Float, Int

from mnist_jax.models import Weights
from mnist_jax.training.blocks import Trained
from mnist_jax.training.plan import Plan
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

    def __init__(
        self, plan: Plan, shape: tuple[int, int], sizes: tuple[int, int], dtype: DTypeLike
    ) -> None:
        self._plan, self._sizes = plan, sizes
        self._pending: list[tuple[Trained, Future[np.ndarray]]] = []
        lengths = (plan.num_steps, *[len(plan.evaluation_steps)] * len(Evaluation._fields))
        self.arrays = [np.full((length, *shape), np.nan, dtype) for length in lengths]

    def add(
        self, trained: Iterable[Trained], count: Callable[[Weights], Future[np.ndarray]]
    ) -> None:
        """Starts the counts of correct training examples, after those of the previous program."""
        self.finish()
        self._pending = [
            (
                block._replace(record=jax.device_get(block.record), weights=None),
                count(block.weights),
            )
            for block in trained
        ]

    def finish(self) -> None:
        """Waits for all counts."""
        for trained, count in self._pending:
            self._store(trained, count.result())
        self._pending = []

    def _store(self, trained: Trained, train_correct: np.ndarray) -> None:
        losses, (running, loss, correct) = trained.record
        num_train, num_validation = self._sizes
        means = loss, correct / num_validation, train_correct / num_train
        series = (
            losses.reshape(-1, *losses.shape[2:]),
            *(np.where(running, m, np.nan) for m in means),
        )
        period = (trained.first_step - self._plan.first_step) // self._plan.period
        for array, values, begin in zip(
            self.arrays, series, (trained.first_step, period, period, period), strict=True
        ):
            target = array[max(begin, 0) : begin + len(values)]  # without the padding
            padding = max(-begin, 0)
            target[:, trained.block] = values[padding : padding + len(target)]

    def result(self, states: TrainState, schedule: Schedule) -> TrainingResult:
        """Returns the result of a training, given the final states on the host."""
        last_step, steps = int(np.max(states.last_step)), self._plan.evaluation_steps
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
            schedule=schedule,
            history=History(train_loss[: last_step + 1], steps[:count], evaluated),
        )
