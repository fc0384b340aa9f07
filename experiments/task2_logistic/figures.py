"""Figures of task 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments import reported
from experiments.common import curves
from experiments.common.curves import FOURTH, THIRD, TRAIN, VALIDATION
from experiments.task2_logistic.metrics import Runs, Task2Metrics
from mnist_jax import plotting
from mnist_jax.training import Outcome, TrainingResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"lag": "lag (the report's)", "patience": "patience (the usual)"}


def draw(metrics: Task2Metrics, runs: Runs) -> dict[str, Figure]:
    """All figures of task 2, by file name; without shuffled runs, those that need none."""
    figures = {
        "2b_loss": loss(metrics, runs.unshuffled),
        "2c_accuracy": accuracy(runs.unshuffled),
        "2e_spike_position": spike_position(metrics, runs.every_step),
    }
    if runs.shuffled:
        figures["2d_stopping"] = stopping(metrics, runs.stopped)
        figures["2e_shuffling"] = shuffling(runs.unshuffled, runs.shuffled)
    return figures


def loss(metrics: Task2Metrics, run: TrainingResult) -> Figure:
    """2b: both losses, and where each criterion stops the run."""
    figure, [[axes]] = plotting.new_figure()
    curves.losses(axes, run)
    for name, step in metrics["unshuffled"]["stop_step"].items():
        if step is not None:
            plotting.mark(axes, step, f"{name} stops at {step}", height=0.08)
    steps, values = run.history.evaluation_steps, run.history.evaluations.validation_loss
    axes.set_ylim(0, curves.upper_limit(values, steps, run.schedule.steps_per_epoch))
    axes.legend(loc="upper right")
    axes.set_title("2b: loss of logistic regression, batches in file order")
    return figure


def accuracy(run: TrainingResult) -> Figure:
    """2c: both accuracies."""
    figure, [[axes]] = plotting.new_figure()
    curves.accuracies(axes, run, limits=(0.8, 1.0))
    axes.legend(loc="lower right")
    axes.set_title("2c: accuracy of logistic regression, batches in file order")
    return figure


def stopping(metrics: Task2Metrics, stopped: dict[str, np.recarray]) -> Figure:
    """2d: the stopping steps of the shuffled runs, a panel for each criterion."""
    figure, grid = plotting.new_figure(len(stopped), 1, size=(7, 5), sharex=True)
    bins = stopping_bins([*stopped.values()], metrics["evaluate_every"])
    for axes, (name, runs), color in zip(grid[:, 0], stopped.items(), (TRAIN, THIRD), strict=True):
        steps = stopping_steps(runs)
        stopping_histogram(axes, steps, bins, color=color, label=f"stopped by {name}")
        unshuffled = metrics["unshuffled"]["stop_step"][name]
        if unshuffled is not None:
            plotting.mark(axes, unshuffled, f"in file order: {unshuffled}", color=VALIDATION)
        axes.set_title(f"{NAMES[name]}: {len(steps)} of {len(runs)} shuffled runs stopped")
    low, high = reported.STOPPING_RANGE
    span = {"color": "black", "alpha": 0.08, "linewidth": 0, "zorder": 0}
    grid[0, 0].axvspan(low, high, **span, label=f"the report's range, {low} to {high}")
    grid[0, 0].legend(loc="upper right")
    figure.suptitle("2d: the step at which shuffled runs stop", x=0.01, ha="left")
    grid[-1, 0].set_xlabel("step at which training stops")
    return figure


def stopping_steps(runs: np.recarray) -> np.ndarray:
    """The last steps of the runs that were stopped early."""
    return runs.last_step[runs.outcome == Outcome.STOPPED_EARLY]


def stopping_bins(tables: Sequence[np.recarray], evaluate_every: int) -> np.ndarray:
    """Edges of some sixty bins of whole evaluations, the same for every table of runs."""
    steps = np.concatenate([stopping_steps(runs) for runs in tables])
    low, high = (steps.min(), steps.max()) if len(steps) else (0, evaluate_every)
    width = evaluate_every * max(1, round((high - low) / evaluate_every / 60))
    return np.arange(low - evaluate_every / 2, high + width, width)


def stopping_histogram(
    axes: Axes, steps: np.ndarray, bins: np.ndarray, *, color: str, label: str
) -> None:
    """Stopping steps of one criterion."""
    from matplotlib.ticker import MaxNLocator

    counts, _ = np.histogram(steps, bins)
    axes.stairs(counts, bins, fill=True, color=color, label=label)
    axes.set_ylim(0, 1.25 * max(counts.max(), 1))  # room for the words above the bars
    if not len(steps):
        axes.text(
            0.5, 0.5, "no run was stopped in these epochs", transform=axes.transAxes, ha="center"
        )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("runs")


def shuffling(unshuffled: TrainingResult, curves_of_seeds: TrainingResult) -> Figure:
    """2e: validation accuracy in file order against shuffled runs."""
    figure, [[axes]] = plotting.new_figure()
    history = curves_of_seeds.history
    accuracy = history.evaluations.validation_accuracy[:, :, 0].T
    plotting.band(
        axes,
        history.evaluation_steps,
        accuracy,
        color=TRAIN,
        label=f"shuffled, median and 90 % of {len(accuracy)} runs",
    )
    own = unshuffled.history
    axes.plot(
        own.evaluation_steps,
        own.evaluations.validation_accuracy,
        color=VALIDATION,
        linewidth=1,
        label="in file order",
    )
    lowest = curves.lower_limit(own.evaluations.validation_accuracy, 0.88)
    axes.set(xlabel="step", ylim=(lowest, 1.0))
    plotting.percent_axis(axes, "validation accuracy (%)")
    axes.legend(loc="lower right")
    axes.set_title("2e: validation accuracy with and without shuffling")
    return figure


def spike_position(metrics: Task2Metrics, every_step: TrainingResult) -> Figure:
    """2e: evaluated after every step, the accuracy by step and by place in the epoch."""
    figure, [[over_steps, over_batches]] = plotting.new_figure(
        1, 2, size=(9, 3.6), sharey=True, width_ratios=(3, 2)
    )
    accuracy = every_step.history.evaluations.validation_accuracy
    evaluated = metrics["unshuffled"]["spikes"]
    over_steps.plot(accuracy, color=FOURTH, linewidth=0.8, label="evaluated after every step")
    over_steps.plot(
        evaluated["steps"],
        accuracy[evaluated["steps"]],
        "o",
        color=VALIDATION,
        markersize=4,
        label=f"seen every {metrics['evaluate_every']} steps",
    )
    over_steps.set(xlabel="step", ylim=(curves.lower_limit(accuracy, 0.85), 1.0))
    plotting.percent_axis(over_steps, "validation accuracy (%)")
    over_steps.legend(loc="lower right")
    over_steps.set_title("2e: validation accuracy in file order")
    steps_per_epoch = metrics["steps_per_epoch"]
    whole = len(accuracy) // steps_per_epoch * steps_per_epoch
    later = accuracy[:whole].reshape(-1, steps_per_epoch)[1:]
    if len(later):
        batches = np.arange(steps_per_epoch)
        plotting.band(over_batches, batches, later, color=FOURTH, label="median and 90 % of epochs")
        spikes = metrics["unshuffled"]["spikes_every_step"]["batches"]
        if len(spikes):
            usual = int(np.bincount(spikes).argmax())
            plotting.mark(over_batches, usual, f"most spikes:\nbatch {usual}", height=0.35)
        over_batches.legend(loc="lower left", bbox_to_anchor=(0, 0))
    over_batches.set(xlabel="batch within the epoch, from 0")
    over_batches.set_title("the epochs from the second on")
    return figure
