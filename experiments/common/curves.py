"""Figures of losses and accuracies against the step, for tasks 2 and 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from mnist_jax import plotting
from mnist_jax.training import TrainingResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, VALIDATION, THIRD, FOURTH = "#0072B2", "#D55E00", "#009E73", "#CC79A7"


def epoch_batches(
    run: TrainingResult,
) -> tuple[Float[np.ndarray, " epochs"], Float[np.ndarray, "steps_per_epoch epochs"]]:
    """Returns the middle step of each epoch, and the losses by position in the epoch and epoch."""
    steps = run.schedule.steps_per_epoch
    losses = run.history.train_loss
    missing = -len(losses) % steps  # of the epoch in which the run diverged
    losses = np.pad(losses, (0, missing), constant_values=np.nan).reshape(-1, steps)
    return (np.arange(len(losses)) + 0.5) * steps - 0.5, losses.T


def losses(axes: Axes, run: TrainingResult) -> None:
    """Draws the training loss of each epoch (mean and 90 % band) and the validation loss."""
    label = "training, mean of an epoch;\nband: 90 % of its batches"
    plotting.band(axes, *epoch_batches(run), label=label, color=TRAIN, middle=np.mean)
    evaluations = run.history.evaluations
    axes.plot(
        run.history.evaluation_steps,
        evaluations.validation_loss,
        color=VALIDATION,
        label="validation",
        linewidth=1,
    )
    axes.set(xlabel="step", ylabel="cross entropy (nats)")


def accuracies(axes: Axes, run: TrainingResult, *, limits: tuple[float, float]) -> None:
    """Draws training and validation accuracy; the lower limit is lowered for lower curves."""
    steps, evaluations = run.history.evaluation_steps, run.history.evaluations
    for color, label, accuracy in (
        (VALIDATION, "validation", evaluations.validation_accuracy),
        (TRAIN, "training", evaluations.train_accuracy),
    ):
        axes.plot(steps, accuracy, color=color, label=label, linewidth=1)
    axes.set(xlabel="step", ylim=(lower_limit(evaluations.train_accuracy, limits[0]), limits[1]))
    plotting.percent_axis(axes)


def lower_limit(values: Float[np.ndarray, " evaluations"], limit: float) -> float:
    """Returns the limit, or a lower one that shows all but the lowest 5 % of the values."""
    finite = values[np.isfinite(values)]
    return min(limit, float(np.quantile(finite, 0.05)) - 0.02) if len(finite) else limit


def lowest_accuracy(run: TrainingResult) -> float:
    """The lowest validation accuracy from the second epoch on; 0 if there is none."""
    values = run.history.evaluations.validation_accuracy
    later = run.history.evaluation_steps >= run.schedule.steps_per_epoch
    found = values[later & np.isfinite(values)]
    return float(found.min()) if len(found) else 0.0


def upper_limit(
    values: Float[np.ndarray, " evaluations"], steps: Int[np.ndarray, " evaluations"], start: int
) -> float:
    """Returns a limit with a margin that shows all values from a step on."""
    later = values[(steps >= start) & np.isfinite(values)]
    return 1.1 * float(later.max(initial=0)) or 1.0
