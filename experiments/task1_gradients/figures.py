"""Figures of task 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.common.curves import THIRD, TRAIN, VALIDATION
from experiments.task1_gradients.errors import BALL_STEPS, STEPS, Errors, Pair
from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"1a": "1a: logistic", "1b": "1b: softmax", "4a": "4a: softmax with L2 penalty"}
COLORS = {"float32": TRAIN, "float64": VALIDATION}
SINGLE = {
    Pair.DERIVED: {"label": "hand-derived, float32", "fill": True, "color": TRAIN},
    Pair.AUTODIFF: {"label": "autodiff, float32", "color": "black"},
}
BETWEEN = {"label": "between the two, float64", "fill": True, "color": THIRD}


def draw(errors: dict[str, Errors]) -> dict[str, Figure]:
    """All figures of task 1, by file name."""
    return {"1_errors": coordinates(errors), "1_steps": steps(errors)}


def steps(errors: dict[str, Errors]) -> Figure:
    """A column for each gradient: the error of central differences over the step."""
    figure, (row,) = plotting.new_figure(1, 3, size=(9.5, 3.2), sharey="row", sharex="row")
    for axes, (task, name) in zip(row, NAMES.items(), strict=True):
        for precision, color in COLORS.items():
            values = errors[task].by_step[precision]
            shown = np.where(values > 0, values, np.nan)
            best = [np.nanargmin(shown)] if np.isfinite(shown).any() else []
            axes.loglog(
                *(STEPS, shown, "o-"), markevery=best, color=color, markersize=4, label=precision
            )
        balls = errors[task].by_step["balls"]
        axes.loglog(BALL_STEPS, balls, "o-", color="gray", markersize=3, label="balls: no roundoff")
        axes.set_title(name)
        axes.set_ylim(1e-24, 10)
    row[0].legend(loc="lower right")
    row[0].set_ylabel("relative error of the slope")
    row[1].set_xlabel("step, relative to the weights' root mean square")
    figure.suptitle("Error of central differences; dots: the best step", x=0.01, ha="left")
    return figure


def coordinates(errors: dict[str, Errors]) -> Figure:
    """A column for each gradient, a row for each precision: the errors of all coordinates."""
    figure, grid = plotting.new_figure(2, 3, size=(9.5, 5.2), sharey="row", sharex="row")
    for column, (task, name) in zip(grid.T, NAMES.items(), strict=True):
        found = errors[task].by_coordinate
        column[0].set_title(name)
        for pair, look in SINGLE.items():
            distribution(column[0], found[pair], "float32", look)
        between(column[1], found[Pair.BETWEEN], task)
    for row in grid:
        row[0].legend(loc="upper left")
        row[0].set_ylabel("share of coordinates (%)")
    grid[-1, 0].set_xlabel("error of a coordinate, relative to the largest coordinate", loc="left")
    figure.suptitle("Errors of the gradients on a real batch", x=0.01, ha="left")
    return figure


def between(axes: Axes, errors: np.ndarray, task: str) -> None:
    """Draws the differences in float64; says so where there are none."""
    if not errors.any():
        axes.set_axis_off()
        words = f"{task} in float64: equal bit for bit\nin every coordinate"
        axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes)
        return
    distribution(axes, errors, "float64", BETWEEN)
    axes.set_title(f"{task} in float64: {np.mean(errors == 0):.0%} equal")


def distribution(axes: Axes, errors: np.ndarray, precision: str, look: dict[str, Any]) -> None:
    """Draws how the errors that are not zero are distributed, on a logarithmic axis."""
    end = np.log10(np.finfo(precision).eps) + 2
    bins = np.logspace(end - 6, end, 49)
    counts, _ = np.histogram(errors, bins)
    axes.stairs(100 * counts / len(errors), bins, **look)
    axes.set(xscale="log")
    axes.margins(y=0.15)
