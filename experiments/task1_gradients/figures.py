"""Figures of task 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.common.curves import TRAIN, VALIDATION
from experiments.task1_gradients.errors import BALL_STEPS, STEPS, Errors, Pair
from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = {"1a": "1a: logistic", "1b": "1b: softmax", "4a": "4a: softmax with L2 penalty"}
COLORS = {"float32": TRAIN, "float64": VALIDATION}
PAIRS = {"float32": (Pair.DERIVED, Pair.AUTODIFF), "float64": (Pair.BETWEEN,)}
"""Precision to the errors that are drawn: the first filled, the second as a line."""


def draw(errors: dict[str, Errors]) -> dict[str, Figure]:
    """All figures of task 1, by file name."""
    return {"1_errors": coordinates(errors), "1_steps": steps(errors)}


def steps(errors: dict[str, Errors]) -> Figure:
    """A column for each gradient: the error of central differences over the step."""
    figure, (row,) = plotting.new_figure(1, 3, size=(9.5, 3.2), sharey="row", sharex="row")
    for axes, (task, name) in zip(row, NAMES.items(), strict=True):
        for precision, color in COLORS.items():
            values = errors[task].by_step[precision]
            label = at_best(axes, precision, values)
            axes.loglog(STEPS, np.where(values > 0, values, np.nan), color=color, label=label)
        balls = errors[task].by_step["balls"]
        axes.loglog(BALL_STEPS, balls, "o-", color="gray", markersize=3, label="balls: no roundoff")
        axes.legend(loc="lower right", frameon=False, fontsize="small")
        axes.set_title(name)
        axes.set_ylim(1e-24, 10)
    row[0].set_ylabel("relative error of the slope")
    row[1].set_xlabel("step, relative to the weights' root mean square")
    figure.suptitle(
        "Central differences: roundoff at small steps, truncation at large ones", x=0.01, ha="left"
    )
    return figure


def at_best(axes: Axes, precision: str, values: np.ndarray) -> str:
    """Marks the least error of a curve, and returns the curve's name with it."""
    if not np.isfinite(values).any():
        return precision
    best = np.nanargmin(values)
    axes.plot(STEPS[best], values[best], "o", color=COLORS[precision], markersize=4)
    return f"{precision}: {values[best]:.0e} at best"


def coordinates(errors: dict[str, Errors]) -> Figure:
    """A column for each gradient, a row for each precision: the errors of all coordinates."""
    figure, grid = plotting.new_figure(2, 3, size=(9.5, 5.2), sharey="row", sharex="row")
    for column, (task, name) in zip(grid.T, NAMES.items(), strict=True):
        column[0].set_title(name)
        for axes, precision in zip(column, COLORS, strict=True):
            of_precision(axes, errors[task].by_coordinate, precision)
    for axes, precision in zip(grid[:, 0], COLORS, strict=True):
        axes.set_ylabel(f"{precision}\nshare of coordinates (%)")
    grid[-1, 1].set_xlabel("error of a coordinate, relative to the largest coordinate")
    figure.suptitle(
        "Errors on a real batch. float32: filled the hand-derived gradient, line autodiff, both "
        "against autodiff in float64;\nfloat64: the hand-derived gradient against autodiff",
        x=0.01,
        ha="left",
    )
    return figure


def of_precision(axes: Axes, errors: dict[Pair, np.ndarray], precision: str) -> None:
    """The distributions over coordinates; errors that are zero are counted in words."""
    end = np.log10(np.finfo(precision).eps) + 2
    bins = np.logspace(end - 6, end, 49).tolist()
    chosen = [errors[pair] for pair in PAIRS[precision]]
    for values, histtype in zip(chosen, ("stepfilled", "step"), strict=False):
        shares = np.full(len(values), 100 / len(values))
        color = COLORS[precision] if histtype == "stepfilled" else "black"
        axes.hist(values, bins=bins, weights=shares, histtype=histtype, color=color)
    axes.set(xscale="log")
    axes.margins(y=0.15)
    equal = np.mean(chosen[0] == 0)
    axes.text(0.03, 0.9, f"{equal:.0%} are equal", transform=axes.transAxes, fontsize="small")
