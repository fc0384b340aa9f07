"""Figures of task 1."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.curves import TRAIN, VALIDATION
from experiments.metrics.task1 import PRECISIONS, Checked
from mnist_jax import plotting

NAMES = {"1a": "1a: logistic", "1b": "1b: softmax", "4a": "4a: softmax with L2 penalty"}
COLORS = dict(zip(PRECISIONS, (TRAIN, VALIDATION), strict=True))
POINTS = {"zero": "o", "trained": "s", "random": "^"}


def draw(checks: list[Checked]) -> dict[str, Figure]:
    """All figures of task 1, by file name."""
    with plotting.style():
        return {"1_errors": errors(checks)}


def errors(checks: list[Checked]) -> Figure:
    """A column for each gradient: largest error by batch; errors of all coordinates."""
    figure, grid = plotting.new_figure(2, 3, size=(9.5, 5.6), sharey="row", sharex="row")
    for column, (task, name) in zip(grid.T, NAMES.items(), strict=True):
        chosen = [check for check in checks if check.task == task]
        by_batch(column[0], chosen)
        of_coordinates(column[1], chosen)
        column[0].set_title(name)
    grid[0, 0].set_ylabel("largest error")
    grid[1, 0].set_ylabel("share of coordinates (%)")
    grid[0, 1].set_xlabel(
        "batch (circle: weights zero, square: trained, triangle: random; no mark: no error)"
    )
    grid[1, 1].set_xlabel("error of a coordinate, relative to the largest coordinate")
    figure.suptitle(
        "Hand-derived gradient against autodiff on real batches; dashed: tolerance",
        x=0.01,
        ha="left",
    )
    return figure


def by_batch(axes: Axes, checks: list[Checked]) -> None:
    """The largest error of each batch; an error of exactly zero is not drawn."""
    for precision, color in COLORS.items():
        chosen = [check for check in checks if check.precision == precision]
        for point, marker in POINTS.items():
            those = [check for check in chosen if check.point == point]
            values = [check.comparison.max_relative for check in those]
            axes.semilogy(
                [check.batch for check in those],
                np.where(np.array(values) > 0, values, np.nan),
                marker,
                markersize=3.5,
                color=color,
                markerfacecolor="none",
            )
        axes.axhline(chosen[0].comparison.tolerance, color=color, linestyle="--", linewidth=1)


def of_coordinates(axes: Axes, checks: list[Checked]) -> None:
    """The distribution of the errors of all coordinates, for each precision."""
    bins = np.logspace(-20, -4, 65).tolist()
    equal = []
    for precision, color in COLORS.items():
        chosen = [check.comparison for check in checks if check.precision == precision]
        values = np.concatenate([comparison.errors.ravel() for comparison in chosen])
        weights = np.full(len(values), 100 / len(values))
        axes.hist(values, bins=bins, weights=weights, color=color)
        shares, _ = np.histogram(values, bins=bins, weights=weights)
        axes.annotate(
            precision,
            (bins[shares.argmax()], shares.max()),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=color,
        )
        axes.axvline(chosen[0].tolerance, color=color, linestyle="--", linewidth=1)
        equal.append(f"{precision} {np.mean(values == 0):.0%}")
    axes.set(xscale="log")
    axes.margins(y=0.15)
    axes.set_title(f"equal: {', '.join(equal)}", fontsize="small")
