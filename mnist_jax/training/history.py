"""Results of a training: history and outcome of each run, as arrays on the host."""

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Float, Int, Real

from mnist_jax.training.plan import Plan
from mnist_jax.training.program import Record
from mnist_jax.training.settings import Schedule
from mnist_jax.training.step import Outcome, TrainState, Validation


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


class Measured(NamedTuple):
    """Measurements of one program.

    Attributes:
        first_step: Global step of the first batch; negative steps are omitted.
        orders: Batch orders of the program.
        record: Losses and validations, on the host.
        train_correct: Future number of correct training examples after each period, (periods,
            orders, runs); NaN where they are not counted.
    """

    first_step: int
    orders: Int[np.ndarray, " block"] | slice
    record: Record
    train_correct: Future[Real[np.ndarray, "periods orders runs"]]


class Recorder:
    """Collects the measurements of all programs into the history of all runs.

    Args:
        plan: Division of the steps into programs.
        shape: Numbers of orders and runs.
        sizes: Numbers of training and validation examples.
        dtype: Dtype of the measurements.
    """

    def __init__(
        self, plan: Plan, shape: tuple[int, int], sizes: tuple[int, int], dtype: DTypeLike
    ) -> None:
        self._plan, self._sizes = plan, sizes
        self._train_loss = np.full((plan.num_steps, *shape), np.nan, dtype)
        evaluated = (len(plan.evaluation_steps), *shape)
        self._evaluations = Evaluation(*(np.full(evaluated, np.nan, dtype) for _ in range(3)))

    def add(self, measured: Iterable[Measured]) -> None:
        """Adds measurements; waits for their counts of training examples."""
        for program in measured:
            self._add_losses(program)
            self._add_evaluations(program)

    def _add_losses(self, measured: Measured) -> None:
        losses = measured.record.train_loss
        losses = losses.reshape(-1, *losses.shape[2:])
        first_step = measured.first_step
        begin, end = max(first_step, 0), min(first_step + len(losses), self._plan.num_steps)
        self._train_loss[begin:end, measured.orders] = losses[begin - first_step : end - first_step]

    def _add_evaluations(self, measured: Measured) -> None:
        begin = (measured.first_step + self._plan.lead) // self._plan.period
        means = self._means(measured.record.validation, measured.train_correct.result())
        for values, new in zip(self._evaluations, means, strict=True):
            target = values[begin : begin + len(new)]  # the last program may be longer
            target[:, measured.orders] = new[: len(target)]

    def _means(self, validation: Validation, train_correct: np.ndarray) -> Evaluation:
        running, loss, correct = validation
        num_train, num_validation = self._sizes
        means = (loss, correct / num_validation, train_correct / num_train)
        return Evaluation(*(np.where(running, mean, np.nan) for mean in means))

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the measurements so far, by name, for a checkpoint."""
        return {"train_loss": self._train_loss, **self._evaluations._asdict()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Restores the measurements that `arrays` returned."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def history(self, last_step: int) -> History:
        """Returns the measurements up to a step."""
        steps = self._plan.evaluation_steps
        count = int(np.searchsorted(steps, last_step, side="right"))
        return History(
            self._train_loss[: last_step + 1],
            steps[:count],
            Evaluation(*(values[:count] for values in self._evaluations)),
        )


def collect(states: TrainState, recorder: Recorder, schedule: Schedule) -> TrainingResult:
    """Returns the result of a training, given the final states on the host."""
    still_running = states.outcome == Outcome.RUNNING
    return TrainingResult(
        weights=jax.tree.map(np.asarray, states.weights),
        best_weights=jax.tree.map(np.asarray, states.best.weights),
        best_step=np.asarray(states.best.step),
        outcome=np.where(still_running, Outcome.FINISHED, states.outcome),
        last_step=np.asarray(states.last_step),
        schedule=schedule,
        history=recorder.history(int(np.max(states.last_step))),
    )
