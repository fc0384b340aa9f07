"""What a training run leaves: its history and how it ended, as arrays on the host."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from mnist_jax.training.settings import Schedule
from mnist_jax.training.step import Evaluation, Outcome, TrainState


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

    # after the last step, and at the lowest validation loss
    weights: Float[np.ndarray, "..."]
    best_weights: Float[np.ndarray, "..."]
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
        arrays = (array[order, run] for array in self[:5])
        return TrainingResult(*arrays, schedule=self.schedule, history=history)


def collect(
    states: TrainState, records: list[tuple[np.ndarray, Evaluation]], schedule: Schedule
) -> TrainingResult:
    """Puts the epochs' records end to end and says how each run ended.

    Args:
        states: The runs after the last epoch that was trained.
        records: Per epoch, what `train_epoch` returned per step.
        schedule: Says which steps were evaluated.

    Returns:
        The result.
    """
    train_loss, evaluations = jax.tree.map(lambda *epochs: np.concatenate(epochs), *records)
    steps = np.arange(len(train_loss))
    evaluated = steps % schedule.evaluate_every == 0
    outcome = np.asarray(states.outcome)
    return TrainingResult(
        weights=np.asarray(states.weights),
        best_weights=np.asarray(states.best.weights),
        best_step=np.asarray(states.best.step),
        outcome=np.where(outcome == Outcome.RUNNING, Outcome.FINISHED, outcome),
        last_step=np.asarray(states.last_step),
        schedule=schedule,
        history=History(
            train_loss, steps[evaluated], Evaluation(*(array[evaluated] for array in evaluations))
        ),
    )
