"""Figures of task 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments.common import curves
from experiments.common.curves import THIRD, TRAIN, VALIDATION
from experiments.task3_softmax.metrics import Draws, Task3Metrics, by_selection
from mnist_jax import plotting
from mnist_jax.training import TrainingResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "sequential": "(a) the last images of the test set",
    "stochastic": "(b) drawn at random from the test set",
}
WINDOW = 250


def draw(
    metrics: Task3Metrics, runs: Mapping[str, TrainingResult], draws: Draws
) -> dict[str, Figure]:
    """All figures of task 3, by file name."""
    return {
        "3b_loss": losses(runs),
        "3c_accuracy": accuracies(runs),
        "3d_class_shares": class_shares(metrics),
        "3d_file_order": file_order(metrics, draws),
        "3d_selections": selections(metrics, draws),
    }


def losses(runs: Mapping[str, TrainingResult]) -> Figure:
    """3b: both losses, a panel for each validation set."""

    def panel(axes: Axes, run: TrainingResult) -> None:
        curves.losses(axes, run)
        steps, values = run.history.evaluation_steps, run.history.evaluations.validation_loss
        later = curves.upper_limit(values, steps, run.schedule.steps_per_epoch)
        axes.set_ylim(0, max(1.2, later))

    return by_validation_set(runs, panel, "3b: loss of softmax regression, by validation set")


def accuracies(runs: Mapping[str, TrainingResult]) -> Figure:
    """3c: both accuracies, a panel for each validation set."""

    def panel(axes: Axes, run: TrainingResult) -> None:
        curves.accuracies(axes, run, limits=(0.8, 0.96))

    return by_validation_set(runs, panel, "3c: accuracy of softmax regression, by validation set")


def by_validation_set(
    runs: Mapping[str, TrainingResult],
    panel: Callable[[Axes, TrainingResult], None],
    title: str,
) -> Figure:
    """A panel for each validation set, side by side; the first has the label and the legend."""
    figure, grid = plotting.new_figure(1, len(runs), size=(4.5 * len(runs), 3.6), sharey=True)
    for axes, (selection, run) in zip(grid[0], runs.items(), strict=True):
        panel(axes, run)
        axes.set_title(TITLES[selection])
        axes.label_outer()
    grid[0, 0].legend(loc="best")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def class_shares(metrics: Task3Metrics) -> Figure:
    """3d: how the ten digits are shared out in each validation set."""
    figure, [[axes]] = plotting.new_figure()
    chosen = by_selection(metrics)
    width = 0.8 / len(chosen)
    for place, (selection, color) in enumerate(zip(chosen, (VALIDATION, TRAIN), strict=False)):
        shares = chosen[selection]["class_distribution_percent"]
        at = np.arange(10) + (place - (len(chosen) - 1) / 2) * width
        axes.bar(at, shares, width=0.9 * width, color=color, label=selection)
    axes.axhline(10, color="black", linestyle="--", linewidth=1)
    axes.set(xticks=np.arange(10), xlabel="digit", ylabel="share of the validation set (%)")
    axes.set_ylim(0, 15)
    axes.legend(loc="upper right", ncols=2)
    axes.set_title("3d: class shares of the validation sets; dashed: equal shares")
    return figure


def file_order(metrics: Task3Metrics, draws: Draws) -> Figure:
    """3d: accuracy along the test set; the sequential validation set is its easy end."""
    figure, [[axes]] = plotting.new_figure()
    count, test = len(draws.correct), metrics["test_set"]
    axes.axvspan(count - draws.size, count, color=VALIDATION, alpha=0.15, linewidth=0)
    moving = np.convolve(draws.correct, np.ones(WINDOW) / WINDOW, mode="valid")
    at = np.arange(len(moving)) + WINDOW / 2
    axes.plot(at, moving, color=TRAIN, linewidth=0.8, label=f"{WINDOW} images around")
    edges = np.linspace(0, count, len(test["accuracy_by_thousand"]) + 1)
    axes.stairs(test["accuracy_by_thousand"], edges, baseline=None, color="black", label="by tenth")
    axes.plot((0, count), 2 * (test["accuracy"],), "--", color=THIRD, label="all images")
    axes.set(xlabel="place in the test set", xlim=(0, count), ylim=(min(0.8, moving.min()), 1))
    plotting.percent_axis(axes)
    axes.legend(loc="lower right", bbox_to_anchor=(0.78, 0))
    axes.set_title("3d: accuracy along the test set; shaded: the sequential validation set")
    return figure


def selections(metrics: Task3Metrics, draws: Draws) -> Figure:
    """3d: the sequential validation set among random selections of the same size."""
    figure, [[axes]] = plotting.new_figure()
    test = metrics["test_set"]
    counts, bins = np.histogram(draws.accuracies, accuracy_bins(draws))
    axes.stairs(counts, bins, fill=True, color=TRAIN, label="random selections")
    sequential = test["sequential_accuracy"]
    plotting.mark(axes, sequential, f"the last {draws.size}:\n{sequential:.2%}", color=VALIDATION)
    low, high = min(*draws.accuracies, sequential), max(*draws.accuracies, sequential)
    margin = 0.15 * (high - low) or 0.01
    axes.set_xlim(low - margin, high + 2 * margin)
    plotting.percent_axis(axes, which="x")
    axes.set(ylabel="selections", ylim=(0, 1.05 * counts.max()))
    axes.set_title(f"3d: {len(draws.accuracies)} random selections of {draws.size} test images")
    return figure


def accuracy_bins(draws: Draws) -> np.ndarray:
    """Bins of whole images, some thirty of them."""
    low, high = np.rint(draws.size * np.array([draws.accuracies.min(), draws.accuracies.max()]))
    width = max(1, round((high - low) / 30))
    return (np.arange(low, high + 2 * width, width) - 0.5) / draws.size
