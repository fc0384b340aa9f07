"""What the page says of task 3's validation sets: their classes, their place in the test set."""

from typing import Any, get_args

import numpy as np

from experiments.common.captions import Caption, TaskMetrics
from experiments.common.words import join, listed, points, side
from mnist_jax.data import Selection

LUCK = 2.0
"""What lies within so many standard deviations may be luck."""
EVEN = 0.01
"""Halves whose accuracies are so close together are equally hard."""


def class_shares(metrics: TaskMetrics) -> Caption:
    """3d: how the digits are shared out."""
    shares = {
        name: np.asarray(metrics[name]["class_distribution_percent"], float)
        for name in get_args(Selection)
        if name in metrics
    }
    return Caption(
        "3d: class shares",
        join(
            "Bars of the share of each digit in the validation set.",
            *(extremes(name, each) for name, each in shares.items()),
        ),
        evenness({name: float(np.abs(each - 10).max()) for name, each in shares.items()}),
    )


def extremes(name: str, shares: np.ndarray) -> str:
    """The rarest and the most frequent digit."""
    return (
        f"{name}: from {shares.min():.2f}% (digit {shares.argmin()}) to {shares.max():.2f}% "
        f"(digit {shares.argmax()})."
    )


def evenness(furthest: dict[str, float]) -> str:
    """Which set is mixed less evenly, by its furthest share from a tenth."""
    found = listed(f"{points(each / 100)} on the {name} set" for name, each in furthest.items())
    distance = f"The furthest that a digit is from a tenth is {found}"
    if len(furthest) < 2:
        return f"{distance}."
    if furthest["sequential"] <= furthest["stochastic"]:
        return f"{distance}: the mix of classes is not what sets the sequential one apart."
    return f"{distance}: the sequential one is the less evenly mixed."


def file_order(metrics: TaskMetrics) -> Caption:
    """3d: accuracy along the test set."""
    tenths = np.asarray(metrics["test_set"]["accuracy_by_thousand"], float)
    first, second = (half.mean() for half in np.array_split(tenths, 2))
    return Caption(
        "3d: accuracy along the test set",
        "Accuracy over the place in the test set, in file order. By tenth it is "
        f"{listed(f'{accuracy:.1%}' for accuracy in tenths)}. The shaded end is the sequential "
        "validation set.",
        join(halves(first, second), ends(tenths, metrics["test_set"])),
    )


def halves(first: float, second: float) -> str:
    """Which half of the file is the easier."""
    if abs(second - first) < EVEN:
        return f"The halves of the file are equally hard ({first:.1%} and {second:.1%})."
    easier = "second" if second > first else "first"
    return (
        f"The {easier} half of the file is the easier one, by {points(second - first)}: a set that "
        "is cut from it is judged by where it was cut."
    )


def ends(tenths: np.ndarray, test: dict[str, Any]) -> str:
    """Where the easiest tenth is."""
    easiest = int(tenths.argmax())
    inside = (easiest + 1) / len(tenths) > 1 - test["selection_size"] / test["images"]
    where = "within" if inside else "outside"
    return f"The easiest tenth, at {tenths.max():.1%}, lies {where} the sequential validation set."


def selections(metrics: TaskMetrics) -> Caption:
    """3d: the sequential validation set among random ones."""
    test = metrics["test_set"]
    draws, size = test["random_selections"], test["selection_size"]
    return Caption(
        "3d: among random selections",
        f"Histogram of the accuracy on {draws['count']} random selections of {size} test images: "
        f"from {draws['minimum']:.1%} to {draws['maximum']:.1%}, {draws['mean']:.1%} on average. A "
        f"dashed line marks the last {size}, at {test['sequential_accuracy']:.1%}.",
        join(precision(draws), luck(test)),
    )


def precision(draws: dict[str, Any]) -> str:
    """How exactly a random validation set of this size measures an accuracy."""
    return (
        "A random selection of this size estimates accuracy to within "
        f"{points(LUCK * draws['standard_deviation'])}."
    )


def luck(test: dict[str, Any]) -> str:
    """Whether the last images could be such a selection."""
    deviations = test["sequential_standard_deviations_above_mean"]
    if deviations is None:
        return ""
    gap = test["sequential_accuracy"] - test["random_selections"]["mean"]
    away = side(gap, "above", "below", "level with")
    if abs(deviations) <= LUCK:
        return f"The last images, {away} the mean, could well be one of them."
    return (
        f"The last images, {away} the mean, are not a typical sample; chance cannot explain "
        "the gap."
    )
