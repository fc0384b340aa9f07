"""The figures of the benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(found: dict[str, Any]) -> dict[str, Figure]:
    """The figures of those parts that were measured, by file name."""
    with plotting.style():
        figures = {}
        if "peers" in found:
            figures["peers"] = peers(found["peers"])
        if "growth" in found:
            figures["growth"] = growth(found["growth"])
        return figures


def peers(measured: dict[str, Any]) -> Figure:
    """Seconds of the same work, a bar for each library, and the floor."""
    names = sorted(measured["times"], key=lambda name: measured["times"][name]["median_s"])
    times = [measured["times"][name] for name in names]
    medians = np.array([each["median_s"] for each in times])
    ends = [[each["fastest_s"] for each in times], [each["slowest_s"] for each in times]]
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
    """Seconds against what grows, a panel for each."""
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
