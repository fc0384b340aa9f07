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
    figure, grid = plotting.new_figure(len(stopped), 1, size=(7, 5))
    for axes, (name, runs), color in zip(grid[:, 0], stopped.items(), (TRAIN, THIRD), strict=True):
        stopping_histogram(axes, runs, color, metrics["evaluate_every"])
        unshuffled = metrics["unshuffled"]["stop_step"][name]
        if unshuffled is not None:
            plotting.mark(axes, unshuffled, f"in file order: {unshuffled}", color=VALIDATION)
        stopped = np.sum(runs.outcome == Outcome.STOPPED_EARLY)
        axes.set_title(f"2d: {NAMES[name]}, stopped {stopped} of {len(runs)} shuffled runs")
    low, high = reported.STOPPING_RANGE
    grid[0, 0].axvspan(low, high, color="black", alpha=0.08, linewidth=0, zorder=0)
    grid[0, 0].annotate(
        f"shaded: the report's range,\n{low} to {high}",
        (0.99, 0.97),
        xycoords="axes fraction",
        ha="right",
        va="top",
        fontsize="small",
    )
    grid[-1, 0].set_xlabel("step at which training stops")
    return figure


def stopping_histogram(axes: Axes, runs: np.recarray, color: str, evaluate_every: int) -> None:
    """Stopping steps of one criterion, in bins of whole evaluations."""
    from matplotlib.ticker import MaxNLocator

    steps = runs.last_step[runs.outcome == Outcome.STOPPED_EARLY]
    if len(steps):
        width = evaluate_every * max(1, round(np.ptp(steps) / evaluate_every / 40))
        bins = np.arange(steps.min() - width / 2, steps.max() + width, width)
        counts, *_ = axes.hist(steps, bins=bins, color=color, rwidth=0.9)
        axes.set_ylim(0, 1.25 * np.max(counts))  # room for the words above the bars
    else:
        axes.text(0.5, 0.5, "no run was stopped in these epochs", ha="center")
        axes.set(xticks=[], yticks=[])
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
