"""The figures: a specification curve for each claim, and what explains some of them."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import reported
from experiments.common.curves import FOURTH, THIRD, TRAIN, VALIDATION
from experiments.robustness.batches import Batches
from experiments.robustness.everything import Found
from experiments.robustness.held_out import OTHER_WRITERS, window_accuracies
from experiments.robustness.specification import Multiverse
from experiments.robustness.summary import level_text
from experiments.robustness.validation import OWN, SIZE, Run
from experiments.task4_regularization.claims import NEAR_INVERSE
from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 60
"""Columns of the lower panel of a specification curve, at most."""
IMAGES = (8, 16)
"""Rows and columns of the images of a batch."""
SIDE = 28
EVERY = 20
"""Windows from one point of a curve to the next."""


def draw(found: Found, entries: list[dict[str, Any]]) -> dict[str, Figure]:
    """All figures, by file name."""
    by_claim = {each["claim"]: each for each in entries}
    figures = {
        f"robustness_{each.claim.statement.id}": specification_curve(
            each, by_claim[each.claim.statement.id]
        )
        for each in found.multiverses
    }
    content = by_claim["spike-place"]["measured"]["own"]
    return {
        **figures,
        "robustness_batches": batch_contents(content),
        "robustness_images": batch_images(found.batches, content["batch"]),
        "robustness_windows": windows(found.runs),
        "robustness_exponent": exponent(by_claim["norm-inverse"]["measured"]["optimum"]),
    }


def specification_curve(found: Multiverse, entry: dict[str, Any]) -> Figure:
    """All settings by the number that decides, their levels, and the share by threshold."""
    rows, conditions = level_rows(found), entry["conditions"]
    figure, grid = plotting.new_figure(
        *(3, len(conditions)),
        size=(1.6 + 3.8 * len(conditions), 4.2 + 0.16 * len(rows)),
        height_ratios=(2, 0.13 * len(rows), 1.4),
    )
    for (values, levels, shares), condition in zip(grid.T, conditions, strict=True):
        numbers = found.values[condition["statement"]]
        order = np.argsort(numbers)[: np.isfinite(numbers).sum()]  # those without one come last
        sorted_values(values, numbers[order], condition)
        level_strip(levels, rows, order)
        share_by_threshold(shares, condition)
    for axes in grid[1, 1:]:
        axes.set_yticklabels([])
    grid[0, 0].set_ylabel("number that decides")
    grid[2, 0].set_ylabel("settings in which\nit holds (%)")
    says = fill(found.claim.statement.says, 48 * len(conditions))
    figure.suptitle(f"{found.claim.statement.id}: {says}", x=0.01, ha="left")
    return figure


def sorted_values(axes: Axes, numbers: np.ndarray, condition: dict[str, Any]) -> None:
    """The numbers of all settings in rising order; shaded where the condition holds."""
    share = np.linspace(0, 100, len(numbers))
    some = np.unique(np.linspace(0, len(numbers) - 1, 400).astype(int))
    axes.plot(share[some], numbers[some], color=TRAIN)
    limit = condition["threshold"]
    ends = [*np.quantile(numbers, (0.02, 0.98)), limit, condition["value"]]
    low, high = min(ends), max(ends)
    margin = 0.08 * (high - low) or 1.0
    axes.set(xlim=(0, 100), ylim=(low - margin, high + margin))
    edge = limit, (high + margin if ">" in condition["relation"] else low - margin)
    axes.axhspan(*sorted(edge), color=THIRD, alpha=0.15, linewidth=0)
    axes.axhline(limit, color="black", linestyle="--", linewidth=1)
    own = np.searchsorted(numbers, condition["value"])
    axes.plot(share[min(own, len(share) - 1)], condition["value"], "o", color=VALIDATION)
    axes.set_title(fill(condition["statement"], 44), fontsize="small")


def level_rows(found: Multiverse) -> dict[str, np.ndarray]:
    """Label to whether each setting has a level; of many seeds and pairs, what they share."""
    settings = [each.setting for each in found.specifications]
    rows = {}
    for factor in found.own:
        levels = np.array([level_text(each[factor]) for each in settings])
        if factor == "digits":
            pairs = np.array([each[factor] for each in settings])
            rows |= {f"digit {digit}": (pairs == digit).any(axis=1) for digit in range(10)}
        elif factor == "order":
            if "file" in levels:
                rows |= {"file order": levels == "file", "shuffled": levels != "file"}
        else:
            name = factor.replace("_", " ")
            of = {level_text(level): level for level in sorted(found.levels(factor))}
            rows |= {f"{name} {level}": levels == level for level in of}
    return rows


def level_strip(axes: Axes, rows: dict[str, np.ndarray], order: np.ndarray) -> None:
    """How frequent each level is along the sorted settings."""
    bins = min(BINS, len(order))
    strips = [[np.mean(part) for part in np.array_split(has[order], bins)] for has in rows.values()]
    strips = np.array(strips) / np.maximum(np.max(strips, axis=1, keepdims=True), 1e-9)
    axes.imshow(
        strips,
        aspect="auto",
        cmap="Greys",
        vmin=0,
        extent=(0, 100, len(rows) - 0.5, -0.5),
        interpolation="nearest",
    )
    axes.set_yticks(range(len(rows)), list(rows), fontsize=6)
    axes.set_xlabel("settings, by that number (%)")
    axes.grid(visible=False)


def share_by_threshold(axes: Axes, condition: dict[str, Any]) -> None:
    """The share of settings in which a condition holds, for other thresholds than its own."""
    axes.plot(condition["thresholds"], 100 * np.array(condition["shares"]), color=THIRD)
    axes.axvline(condition["threshold"], color="black", linestyle="--", linewidth=1)
    axes.set(ylim=(-3, 103), xlabel="threshold (dashed: that of the verdict)")


def batch_contents(own: dict[str, Any]) -> Figure:
    """2e: what each batch of the epoch does, and what is in it."""
    panels = {
        "drop of validation\naccuracy (points)": 100 * np.array(own["drop"]),
        "one-sidedness: mean of\nprediction - label": np.array(own["one_sidedness"]),
        "difficulty: loss\n(nats)": np.array(own["difficulty"]),
        "share of the\nfirst digit (%)": 100 * np.array(own["share_of_the_first_digit"]),
    }
    figure, grid = plotting.new_figure(len(panels), 1, size=(7, 6.5), sharex=True)
    colors = [VALIDATION if batch == own["batch"] else TRAIN for batch in range(own["batches"])]
    for axes, (label, values) in zip(grid[:, 0], panels.items(), strict=True):
        axes.bar(range(len(values)), values, color=colors)
        axes.set_ylabel(label, fontsize="small")
    grid[-1, 0].set(ylim=(30, 60), xlabel="batch within the epoch, from 0")
    grid[0, 0].set_title(f"2e: the batches of an epoch; most spikes are at batch {own['batch']}")
    return figure


def batch_images(batches: Batches, batch: int) -> Figure:
    """2e: the images of the batch at which the spikes are, the hardest first."""
    from matplotlib.patches import Rectangle

    count, side = IMAGES[0] * IMAGES[1], SIDE + 4  # room for the frames
    order = np.argsort(-np.abs(batches.residuals[batch]))[:count]
    tiles = np.pad(batches.images[batch, order].reshape(-1, SIDE, SIDE), [(0, 0), (2, 2), (2, 2)])
    rows = tiles.reshape(*IMAGES, side, side).swapaxes(1, 2)
    figure, [[axes]] = plotting.new_figure(size=(8, 4.4))
    axes.imshow(rows.reshape(IMAGES[0] * side, -1), cmap="Greys", interpolation="nearest")
    for place in np.flatnonzero(batches.wrong[batch, order]):
        row, column = divmod(int(place), IMAGES[1])
        frame = Rectangle(
            (column * side, row * side),
            side - 1,
            side - 1,
            fill=False,
            color=VALIDATION,
            linewidth=2,
        )
        axes.add_patch(frame)
    axes.set_axis_off()
    title = (
        f"2e: the images of batch {batch}, the hardest first; framed: misread at the last weights"
    )
    axes.set_title(title)
    return figure


def windows(runs: list[Run]) -> Figure:
    """3d: the accuracy on every window of the test set, a line for each run."""
    figure, [[axes]] = plotting.new_figure()
    sizes = list(dict.fromkeys(run.setting["train_size"] for run in runs))
    for size, color in zip(sizes, (FOURTH, THIRD, TRAIN), strict=False):
        some = [run for run in runs if run.setting["train_size"] == size]
        lines = np.array([window_accuracies(run.row["correct"], SIZE)[::EVERY] for run in some])
        label = f"{size:,} training images, median and 90 % of {len(some)} runs"
        plotting.band(axes, EVERY * np.arange(lines.shape[1]), lines, color=color, label=label)
    own = next(run for run in runs if run.setting == OWN)
    accuracy = window_accuracies(own.row["correct"], SIZE)
    first = np.arange(0, len(accuracy), EVERY)
    axes.plot(first, accuracy[first], color="black", linewidth=0.8, label="the report's setting")
    axes.plot(len(accuracy) - 1, accuracy[-1], "o", color=VALIDATION, label="its validation set")
    for first in (OTHER_WRITERS - SIZE, OTHER_WRITERS):
        axes.axvline(first, color="black", linestyle="--", linewidth=1)
    axes.set_xlabel("first image of the window (dashed: windows with writers of both halves)")
    plotting.percent_axis(axes)
    axes.legend(loc="lower right", fontsize="x-small", frameon=True)
    axes.set_title(f"3d: accuracy on every window of {SIZE:,} test images")
    return figure


def exponent(optima: dict[str, dict[str, Any]]) -> Figure:
    """4e: the norm at the optimum, and its local exponent, by the factor of the penalty."""
    figure, [[norms, local]] = plotting.new_figure(1, 2, size=(9, 3.8))
    for (name, found), color in zip(optima.items(), (FOURTH, TRAIN), strict=False):
        label = f"{name.replace('-', ' ').replace('train', 'training')}"
        norms.loglog(found["l2"], found["norm"], "o-", color=color, label=label, markersize=3)
        local.semilogx(found["l2"], found["exponent"], "o-", color=color, label=label, markersize=3)
    inverse, near, factors = reported.NORM_EXPONENT, NEAR_INVERSE.number, reported.L2_FACTORS
    local.axhspan(inverse - near, inverse + near, color=THIRD, alpha=0.15, linewidth=0)
    local.axhline(inverse, color="black", linestyle="--", linewidth=1)
    local.axvspan(factors[1], factors[-1], color="black", alpha=0.06, linewidth=0)
    local.set(xlabel="λ (shaded: the report's factors)", ylim=(-1.2, 0))
    local.set_title("local exponent of the norm; green: near -1")
    norms.set(xlabel="λ", ylabel="norm of the weights")
    norms.set_title("4e: the norm at the optimum")
    norms.legend(loc="lower left", fontsize="small")
    return figure
