"""Figures of the benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(results: dict[str, Any]) -> dict[str, Figure]:
    """Draws the figures of the measured parts, by file name."""
    parts = {"peers": peers, "growth": growth}
    return {name: part(results[name]) for name, part in parts.items() if name in results}


def peers(measured: dict[str, Any]) -> Figure:
    """Draws the seconds of each library as bars, and the floor as a line."""
    names = sorted(measured["times"], key=lambda name: measured["times"][name]["median_s"])
    times = [measured["times"][name] for name in names]
    medians = np.array([time["median_s"] for time in times])
    ends = [[time["fastest_s"] for time in times], [time["slowest_s"] for time in times]]
    figure, [[axes]] = plotting.new_figure(size=(7, 3.2))
    colors = ["C1" if name == "mnist_jax" else "C0" for name in names]
    axes.barh(names, medians, color=colors, xerr=np.abs(np.array(ends) - medians), ecolor="black")
    own = medians[names.index("mnist_jax")]
    for row, median in enumerate(medians):
        text = f"  {median:.2f} s" + (
            "" if median == own else f", {median / own:.1f} times as long"
        )
        axes.text(ends[1][row], row, text, va="center", fontsize="small")
    floor = measured["floor"]["own_products_s"]
    axes.axvline(floor, color="black", linestyle="--", linewidth=1)
    axes.set_xlim(0, 1.35 * max(ends[1]))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"seconds, median and range; dashed: its products alone, {floor:.2f} s")
    axes.set_title(f"{measured['epochs']} epochs of softmax regression, with every evaluation")
    return figure


def growth(measured: dict[str, list[dict[str, Any]]]) -> Figure:
    """Draws the seconds against each size, one panel for each."""
    from matplotlib.ticker import LogLocator

    figure, grid = plotting.new_figure(1, len(measured), size=(3.0 * len(measured), 3.2))
    for axes, (name, rows) in zip(grid[0], measured.items(), strict=True):
        values = np.array([row["value"] for row in rows])
        seconds = np.array([row["seconds"] for row in rows])
        axes.loglog(values, seconds, "o-")
        proportional = seconds[-1] * values / values[-1]
        if name != "batch size":
            axes.loglog(values, proportional, "--", color="black", linewidth=1)
        axes.set_xlabel(name)
        axes.set_xticks(values, [f"{value:,}" for value in values], rotation=45, fontsize="small")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    grid[0, 0].set_ylabel("seconds")
    figure.suptitle("How the time grows (dashed: in proportion)", x=0.01, ha="left")
    return figure
