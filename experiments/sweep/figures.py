"""Figures of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.sweep.settings import SweepSettings
from experiments.sweep.summary import by_pair
from experiments.task2_logistic.figures import stopping_histogram
from mnist_jax import plotting
from mnist_jax.training import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOMETIMES = ("accuracy_map", "accuracy_by_l2", "accuracy_by_learning_rate", "stopping")
# of the lines and histograms that one figure can tell apart
FEW = 6


def draw(settings: SweepSettings, metrics: dict[str, Any], runs: np.recarray) -> dict[str, Figure]:
    """The figures that these runs allow, by file name."""
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
    """The median of the best validation accuracies, for each pair."""
    accuracy = np.full((len(rates), len(factors)), np.nan)
    for rate, l2, of in by_pair(runs):
        place = np.searchsorted(rates, rate), np.searchsorted(factors, l2)
        accuracy[place] = _median(of.best_validation_accuracy)
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
    """The best validation accuracy over one setting, a line for each value of the other."""
    words = {"l2": "factor of the penalty, λ", "learning_rate": "learning rate"}
    figure, [[axes]] = plotting.new_figure()
    values = np.unique(runs[other])
    chosen = values[np.unique(np.linspace(0, len(values) - 1, FEW).round().astype(int))]
    for number, value in enumerate(chosen):
        of = runs[runs[other] == value]
        x = np.unique(of[name])
        samples = [of["best_validation_accuracy"][of[name] == each] for each in x]
        color = f"C{number % FEW}"
        plotting.band(axes, x, np.transpose(samples), label=f"{value:g}", color=color)
    x = np.unique(runs[name])
    if x[-1] >= 8 * (smallest := x[x > 0].min()):
        axes.set_xscale("symlog", linthresh=smallest)
        axes.set_xticks(x, [f"{value:g}" for value in x])
        axes.minorticks_off()
    if len(chosen) > 1:
        axes.legend(title=words[other])
    axes.set_xlabel(words[name])
    plotting.percent_axis(axes, "validation accuracy (%)")
    axes.set_title("Best validation accuracy, median and 90 % of the seeds")
    return figure


def stopping(settings: SweepSettings, metrics: dict[str, Any], runs: np.recarray) -> Figure:
    """How the stopping steps are distributed, a panel for each pair."""
    pairs = [
        (rate, l2, of)
        for rate, l2, of in by_pair(runs)
        if (of.outcome == Outcome.STOPPED_EARLY).any()
    ][:FEW]
    figure, grid = plotting.new_figure(len(pairs), 1, size=(7, 1.2 + 1.6 * len(pairs)), sharex=True)
    for axes, (rate, l2, of) in zip(grid[:, 0], pairs, strict=True):
        stopped = np.sum(of.outcome == Outcome.STOPPED_EARLY)
        stopping_histogram(axes, of, "C0", metrics["evaluate_every"])
        axes.set_title(
            f"learning rate {rate:g}, λ = {l2:g}: {settings.criterion} stopped {stopped} of "
            f"{len(of)} runs",
            fontsize="medium",
        )
    grid[-1, 0].set_xlabel("step at which training stops")
    return figure


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan
