"""Metrics of a single run, the same in every task."""

from typing import TypedDict, cast

import numpy as np

from mnist_jax.training import Outcome, TrainingResult


class Evaluation(TypedDict):
    """Losses and accuracies of one evaluation."""

    validation_loss: float
    validation_accuracy: float
    train_accuracy: float


class StepEvaluation(Evaluation):
    """Evaluation with the step after which it was done."""

    step: int


class LowestLoss(TypedDict):
    """Lowest validation loss and its step."""

    step: int
    validation_loss: float


class RunMetrics(TypedDict):
    """Metrics of one run; `final` is empty if no evaluation was finite."""

    final: StepEvaluation
    last_epoch_validation_accuracy: float | None
    last_epoch_train_accuracy: float | None
    outcome: str
    weight_norm: float
    weight_sum: float
    lowest_validation_loss: LowestLoss


class ScheduleMetrics(TypedDict):
    """Sizes of the data and the resulting schedule."""

    train_examples: int
    validation_examples: int
    steps_per_epoch: int
    evaluate_every: int


@np.errstate(over="ignore")  # squares of a diverged run's weights may overflow
def run_metrics(run: TrainingResult) -> RunMetrics:
    """Returns the last evaluation, the outcome and the norm of the weights of a run."""
    weights = run.weights.astype(np.float64)
    lowest = np.nanmin(run.history.evaluations.validation_loss, initial=np.inf)
    return {
        "final": final_evaluation(run),
        "last_epoch_validation_accuracy": last_epoch_mean(run, "validation_accuracy"),
        "last_epoch_train_accuracy": last_epoch_mean(run, "train_accuracy"),
        "outcome": Outcome(int(run.outcome)).message(int(run.last_step)),
        "weight_norm": float(np.linalg.norm(weights)),
        "weight_sum": float(weights.sum()),
        "lowest_validation_loss": {"step": int(run.best_step), "validation_loss": float(lowest)},
    }


def schedule_metrics(run: TrainingResult, train: int, validation: int) -> ScheduleMetrics:
    """Returns the sizes of the data and the schedule of a run."""
    return {
        "train_examples": train,
        "validation_examples": validation,
        "steps_per_epoch": run.schedule.steps_per_epoch,
        "evaluate_every": run.schedule.evaluate_every,
    }


def evaluation(run: TrainingResult, row: int) -> Evaluation:
    """Returns one evaluation of a run by its index."""
    values = run.history.evaluations._asdict().items()
    return cast(Evaluation, {name: float(value[row]) for name, value in values})


def final_evaluation(run: TrainingResult) -> StepEvaluation:
    """Returns the last finite evaluation; empty if there is none."""
    evaluated = np.flatnonzero(np.isfinite(run.history.evaluations.validation_loss))
    if not len(evaluated):
        return cast(StepEvaluation, {})
    last = int(evaluated[-1])
    return {"step": int(run.history.evaluation_steps[last]), **evaluation(run, last)}


def last_epoch_mean(run: TrainingResult, name: str) -> float | None:
    """Returns the mean of a field over the last epoch's evaluations; None if there was none."""
    history, evaluations = run.history, run.history.evaluations
    last_epoch = history.evaluation_steps > run.last_step - run.schedule.steps_per_epoch
    values = getattr(evaluations, name)[last_epoch & np.isfinite(evaluations.validation_loss)]
    return float(values.mean()) if len(values) else None
