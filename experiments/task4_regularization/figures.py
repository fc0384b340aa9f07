"""Figures of task 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from experiments.common import curves
from experiments.task4_regularization.metrics import Task4Metrics, power_law_points
from mnist_jax import plotting
from mnist_jax.training import TrainingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(metrics: Task4Metrics, runs: dict[float, TrainingResult]) -> dict[str, Figure]:
    """All figures of task 4, by file name."""
    positive = {l2: run for l2, run in sorted(runs.items()) if l2 > 0}
    ends = {l2: runs[l2] for l2 in sorted({min(runs), max(runs)})}
    figures = {
        "4b_weights": weights(ends, "4b: weights of the smallest and the largest λ"),
        "4d_train_validation": train_validation(runs),
    }
    figures["4c_accuracy"] = accuracy(dict(sorted(runs.items())))
    if positive:
        figures["appendix_weights"] = weights(positive, "Appendix: weights by λ")
    if metrics["norm_exponent"] is not None:
        figures["4e_norm"] = norm(metrics, metrics["norm_exponent"])
    return figures


def weights(runs: dict[float, TrainingResult], title: str) -> Figure:
    """The weights of each class as images, a row for each factor with its own colour scale."""
    num_classes = len(next(iter(runs.values())).weights)
    figure, grid = plotting.new_figure(len(runs), num_classes, size=(9, 0.95 * len(runs) + 0.6))
    for row, (l2, run) in zip(grid, runs.items(), strict=True):
        image = plotting.weight_images(row, run.weights, label=f"λ = {l2:g}")
        row[0].set_ylabel(f"λ = {l2:g}")
        figure.colorbar(image, ax=row.tolist(), fraction=0.02, pad=0.01)
    for digit, axes in enumerate(grid[0]):
        axes.set_title(str(digit), loc="center")
    figure.suptitle(f"{title} (red: speaks for the digit, blue: against)", x=0.01, ha="left")
    return figure


def accuracy(runs: dict[float, TrainingResult]) -> Figure:
    """4c: validation accuracy over the steps, of all factors and, closer, of the best ones."""
    figure, [[whole, closer]] = plotting.new_figure(1, 2, size=(9.5, 3.8))
    lowest = {l2: curves.lowest_accuracy(run) for l2, run in runs.items()}
    high = [l2 for l2 in runs if lowest[l2] > max(lowest.values()) - 0.1]
    for axes, chosen in ((whole, list(runs)), (closer, high)):
        for place, l2 in enumerate(runs):
            if l2 in chosen:
                history = runs[l2].history
                values = history.evaluations.validation_accuracy
                named = {"label": f"λ = {l2:g}", "color": f"C{place}"}
                axes.plot(history.evaluation_steps, values, linewidth=1, **named)
        axes.set_ylim(min(lowest[l2] for l2 in chosen) - 0.01, 0.96)
        plotting.label_ends(axes)
        axes.set_xlabel("step")
        plotting.percent_axis(axes, "validation accuracy (%)")
    whole.set_title("all factors")
    closer.set_title(f"closer, λ up to {max(high):g}")
    figure.suptitle("4c: validation accuracy by factor of the penalty", x=0.01, ha="left")
    return figure


def train_validation(runs: dict[float, TrainingResult]) -> Figure:
    """4d: training against validation accuracy, a panel for each factor."""
    size = (2.1 * len(runs) + 0.8, 3.2)
    figure, grid = plotting.new_figure(1, len(runs), size=size, sharey=True, sharex=True)
    for axes, (l2, run) in zip(grid[0], runs.items(), strict=True):
        curves.accuracies(axes, run, limits=(0.7, 0.96))
        axes.set_title(f"λ = {l2:g}")
        axes.set_ylabel("")
    plotting.percent_axis(grid[0, 0])
    grid[0, 0].legend(loc="lower right")
    figure.suptitle("4d: training and validation accuracy", x=0.01, ha="left")
    return figure


def norm(metrics: Task4Metrics, exponent: float) -> Figure:
    """4e: the norm of the weights against the factor, with the fitted power law."""
    from matplotlib.ticker import LogLocator, NullLocator

    figure, [[axes]] = plotting.new_figure(size=(5.5, 3.8))
    measured = {float(l2): run["weight_norm"] for l2, run in metrics["runs"].items()}
    factors, norms = np.array(sorted(power_law_points(measured).items())).T
    middle = np.exp(np.log(factors).mean()), np.exp(np.log(norms).mean())
    fitted = middle[1] * (factors / middle[0]) ** exponent
    inverse = middle[1] * (factors / middle[0]) ** -1.0
    axes.loglog(factors, norms, "o", color=curves.VALIDATION, label="measured")
    axes.plot(factors, fitted, color=curves.TRAIN, label=f"fitted, slope {exponent:.2f}")
    axes.plot(factors, inverse, "--", color="black", label="inversely proportional, slope -1")
    axes.set_ylim(norms.min() / 2, 2 * norms.max())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="λ", ylabel="norm of the weights")
    axes.legend(loc="lower left")
    axes.set_title("4e: norm of the weights by factor of the penalty")
    return figure
