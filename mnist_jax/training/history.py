"""What a training run leaves: its history and how it ended, as arrays on the host."""

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
    """Means over whole data sets; accuracies are fractions."""

    validation_loss: Float[np.ndarray, "*axes"]
    validation_accuracy: Float[np.ndarray, "*axes"]
    train_accuracy: Float[np.ndarray, "*axes"]


class History(NamedTuple):
    """What was measured on the way; axes (time, orders, runs), NaN after a run's end.

    Attributes:
        train_loss: Cross entropy of every step's batch before its update, nats.
        evaluation_steps: The step after whose update each evaluation was done.
        evaluations: Validation loss, validation accuracy and training accuracy.
    """

    train_loss: Float[np.ndarray, "steps ..."]
    evaluation_steps: Int[np.ndarray, " evaluations"]
    evaluations: Evaluation


class TrainingResult(NamedTuple):
    """How each run ended, and its way there; leading axes (orders, runs)."""

    # after the last step, and at the lowest validation loss; a pytree like the model's own
    weights: Any
    best_weights: Any
    best_step: Int[np.ndarray, "..."]
    # an `Outcome`, and the step at which it came
    outcome: Int[np.ndarray, "..."]
    last_step: Int[np.ndarray, "..."]
    # the way there
    schedule: Schedule
    history: History

    def run(self, order: int, run: int) -> "TrainingResult":
        """One of the runs, without the axes (orders, runs)."""
        history = self.history._replace(
            train_loss=self.history.train_loss[:, order, run],
            evaluations=Evaluation(*(a[:, order, run] for a in self.history.evaluations)),
        )
        ends = jax.tree.map(lambda array: array[order, run], self[:5])
        return TrainingResult(*ends, schedule=self.schedule, history=history)


class Measured(NamedTuple):
    """What one program measured.

    Attributes:
        first_step: The global step of its first batch; before 0, none was done.
        orders: The batch orders that it trained.
        record: On the host.
        train_correct: How many training examples were right after each period, (periods, orders,
            runs), once they are counted; NaN if they are not.
    """

    first_step: int
    orders: Int[np.ndarray, " some"] | slice
    record: Record
    train_correct: Future[Real[np.ndarray, "periods orders runs"]]


class Recorder:
    """Collects what is measured, program by program, into the history of all runs.

    Args:
        plan: Says which steps there are and which are evaluated.
        shape: (orders, runs).
        sizes: Examples in the training and in the validation set.
        dtype: Dtype of the numbers.
    """

    def __init__(
        self, plan: Plan, shape: tuple[int, int], sizes: tuple[int, int], dtype: DTypeLike
    ) -> None:
        self._plan, self._sizes = plan, sizes
        self._train_loss = np.full((plan.num_steps, *shape), np.nan, dtype)
        evaluated = (len(plan.evaluation_steps), *shape)
        self._evaluations = Evaluation(*(np.full(evaluated, np.nan, dtype) for _ in range(3)))

    def add(self, measured: Iterable[Measured]) -> None:
        """Takes what programs measured; waits until their training examples are counted."""
        for each in measured:
            self._add_losses(each)
            self._add_evaluations(each)

    def _add_losses(self, measured: Measured) -> None:
        losses = measured.record.train_loss
        losses = losses.reshape(-1, *losses.shape[2:])
        first_step = measured.first_step
        begin, end = max(first_step, 0), min(first_step + len(losses), self._plan.num_steps)
        kept = losses[begin - first_step : end - first_step]
        self._train_loss[begin:end, measured.orders] = kept

    def _add_evaluations(self, measured: Measured) -> None:
        begin = (measured.first_step + self._plan.lead) // self._plan.period
        means = self._means(measured.record.validation, measured.train_correct.result())
        for values, new in zip(self._evaluations, means, strict=True):
            kept = values[begin : begin + len(new)]  # the last program may be longer
            kept[:, measured.orders] = new[: len(kept)]

    def _means(self, validation: Validation, train_correct: np.ndarray) -> Evaluation:
        running, loss, correct = validation
        num_train, num_validation = self._sizes
        means = (loss, correct / num_validation, train_correct / num_train)
        return Evaluation(*(np.where(running, mean, np.nan) for mean in means))

    def arrays(self) -> dict[str, np.ndarray]:
        """What was measured so far, by name, for a checkpoint."""
        return {"train_loss": self._train_loss, **self._evaluations._asdict()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Takes back what `arrays` gave."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def history(self, last_step: int) -> History:
        """What was measured up to a step."""
        steps = self._plan.evaluation_steps
        count = int(np.searchsorted(steps, last_step, side="right"))
        return History(
            self._train_loss[: last_step + 1],
            steps[:count],
            Evaluation(*(values[:count] for values in self._evaluations)),
        )


def collect(states: TrainState, recorder: Recorder, schedule: Schedule) -> TrainingResult:
    """How runs ended that are not trained any further.

    Args:
        states: The runs, on the host.
        recorder: What was measured of them.
        schedule: Schedule of their steps.

    Returns:
        The result.
    """
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
