"""Figures of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.sweep.settings import SweepSettings
from experiments.sweep.summary import by_pair
from experiments.task2_logistic.figures import stopping_bins, stopping_histogram, stopping_steps
from mnist_jax import plotting
from mnist_jax.training import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPTIONAL = ("accuracy_map", "accuracy_by_l2", "accuracy_by_learning_rate", "stopping")
MAX_CURVES = 6
"""Largest number of curves or histograms in a figure."""


def draw(settings: SweepSettings, metrics: dict[str, Any], runs: np.recarray) -> dict[str, Figure]:
    """Draws the figures that apply to these runs, by file name."""
    figures: dict[str, Figure] = {}
    rates, factors = np.unique(runs.learning_rate), np.unique(runs.l2)
    with plotting.style():
        if len(rates) > 1 and len(factors) > 1:
            figures["accuracy_map"] = accuracy_map(runs, rates, factors)
        if len(factors) > 1:
            figures["accuracy_by_l2"] = accuracy_by(runs, "l2", "learning_rate")
        if len(rates) > 1:
            figures["accuracy_by_learning_rate"] = accuracy_by(runs, "learning_rate", "l2")
        if (runs.outcome == Outcome.STOPPED_EARLY).any():
            figures["stopping"] = stopping(settings, metrics, runs)
    return figures


def accuracy_map(runs: np.recarray, rates: np.ndarray, factors: np.ndarray) -> Figure:
    """Draws the median of the best validation accuracies as a map of the pairs."""
    accuracy = np.full((len(rates), len(factors)), np.nan)
    for rate, l2, rows in by_pair(runs):
        index = np.searchsorted(rates, rate), np.searchsorted(factors, l2)
        best = rows.best_validation_accuracy[np.isfinite(rows.best_validation_accuracy)]
        accuracy[index] = np.median(best) if len(best) else np.nan
    size = (1.6 + 0.8 * len(factors), 1.6 + 0.45 * len(rates))
    figure, [[axes]] = plotting.new_figure(size=(max(size[0], 5.0), max(size[1], 3.0)))
    image = axes.imshow(accuracy, cmap="viridis", aspect="auto", origin="lower")
    axes.grid(visible=False)
    axes.set_xticks(range(len(factors)), [f"{value:g}" for value in factors])
    axes.set_yticks(range(len(rates)), [f"{value:g}" for value in rates])
    middle = np.nanmean(np.nanquantile(accuracy, (0, 1)))
    for (row, column), value in np.ndenumerate(accuracy):
        color = "black" if value > middle else "white"
        text = "diverged" if np.isnan(value) else f"{100 * value:.1f}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize="small")
    bar = figure.colorbar(image, ax=axes)
    plotting.percent_axis(bar.ax, "validation accuracy (%)")
    axes.set(xlabel="factor of the penalty, λ", ylabel="learning rate")
    axes.set_title("Best validation accuracy, median over the seeds")
    return figure


def accuracy_by(runs: np.recarray, name: str, other: str) -> Figure:
    """Draws the best validation accuracy against one setting, a line for each other value."""
    labels = {"l2": "factor of the penalty, λ", "learning_rate": "learning rate"}
    figure, [[axes]] = plotting.new_figure()
    values = np.unique(runs[other])
    chosen = values[np.unique(np.linspace(0, len(values) - 1, MAX_CURVES).round().astype(int))]
    for number, value in enumerate(chosen):
        rows = runs[runs[other] == value]
        x = np.unique(rows[name])
        samples = [rows["best_validation_accuracy"][rows[name] == position] for position in x]
        color = f"C{number % MAX_CURVES}"
        plotting.band(axes, x, np.transpose(samples), label=f"{value:g}", color=color)
    x = np.unique(runs[name])
    if x[-1] >= 8 * (smallest := x[x > 0].min()):
        axes.set_xscale("symlog", linthresh=smallest)
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.minorticks_off()
    if len(chosen) > 1:
        axes.legend(title=labels[other])
    axes.set_xlabel(labels[name])
    plotting.percent_axis(axes, "validation accuracy (%)")
    axes.set_title("Best validation accuracy, median and 90 % of the seeds")
    return figure


def stopping(settings: SweepSettings, metrics: dict[str, Any], runs: np.recarray) -> Figure:
    """Draws the distribution of the stopping steps, one panel for each pair."""
    pairs = [pair for pair in by_pair(runs) if len(stopping_steps(pair[-1]))][:MAX_CURVES]
    bins = stopping_bins([rows for *_, rows in pairs], metrics["evaluate_every"])
    figure, grid = plotting.new_figure(len(pairs), 1, size=(7, 1.2 + 1.6 * len(pairs)), sharex=True)
    for axes, (rate, l2, rows) in zip(grid[:, 0], pairs, strict=True):
        steps = stopping_steps(rows)
        stopping_histogram(axes, steps, bins, color="C0", label="stopped")
        stopped = f"{settings.criterion} stopped {len(steps)} of {len(rows)} runs"
        axes.set_title(f"learning rate {rate:g}, λ = {l2:g}: {stopped}", fontsize="medium")
    grid[-1, 0].set_xlabel("step at which training stops")
    return figure
