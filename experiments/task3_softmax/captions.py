"""What the page says of task 3: one model, and what each validation set makes of it."""

import math
from typing import Any, get_args

from experiments.common.captions import Caption, Narrative, TaskMetrics
from experiments.common.words import join, known, listed, points, side
from experiments.task3_softmax.selection_captions import class_shares, file_order, selections
from mnist_jax.data import Selection

SAME = 0.005
"""Accuracies so close together are called the same."""
RISE = 0.02
"""A loss that ends within so much of its lowest has not risen."""


def chosen(metrics: TaskMetrics) -> dict[str, dict[str, Any]]:
    """The numbers of each validation set that was used."""
    return {name: metrics[name] for name in get_args(Selection) if name in metrics}


def evaluated(metrics: TaskMetrics) -> dict[str, dict[str, Any]]:
    """The last evaluation on each validation set, where there was one."""
    return {name: run["final"] for name, run in chosen(metrics).items() if run["final"]}


def overview(metrics: TaskMetrics) -> str:
    """What each validation set says of the model, and how far it can be believed."""
    return join(reached(metrics), apart(metrics), flattery(metrics))


def reached(metrics: TaskMetrics) -> str:
    """The accuracies at the end."""
    finals = evaluated(metrics)
    if not finals:
        [outcome, *_] = [run["outcome"] for run in chosen(metrics).values()]
        return f"The run {outcome}, before it could be evaluated."
    found = [f"{final['validation_accuracy']:.1%} on the {n} set" for n, final in finals.items()]
    train = next(iter(finals.values()))["train_accuracy"]
    return (
        f"The model classifies {train:.1%} of its training images correctly and, of its validation "
        f"images, {listed(found)}."
    )


def apart(metrics: TaskMetrics) -> str:
    """What the choice of the validation set alone changes."""
    finals = evaluated(metrics)
    if len(finals) < 2:
        return ""
    sequential, stochastic = (final["validation_accuracy"] for final in finals.values())
    if abs(sequential - stochastic) < SAME:
        return "It hardly matters which images validate it."
    return (
        f"The weights are the same: the {points(sequential - stochastic)} between the two come "
        "from the choice of the images alone."
    )


def flattery(metrics: TaskMetrics) -> str:
    """What the sequential set says, against all test images."""
    test = metrics["test_set"]
    gap = test["sequential_accuracy"] - test["accuracy"]
    return (
        f"On all test images the accuracy is {test['accuracy']:.1%}; on the last "
        f"{test['selection_size']} it is {side(gap, 'higher', 'lower', 'the same')}."
    )


def losses(metrics: TaskMetrics) -> Caption:
    """3b: both losses."""
    runs = chosen(metrics)
    found = [
        f"{run['final']['validation_loss']:.3f} nats on the {name} set"
        for name, run in runs.items()
        if run["final"]
    ]
    return Caption(
        "3b: loss, by validation set",
        join(
            "Training and validation loss over the steps, a panel for each validation set: "
            f"{listed(runs)}.",
            f"The validation loss ends at {listed(found)}." if found else "",
        ),
        join(rise(runs), no_rise(runs)),
    )


def risen(run: dict[str, Any]) -> float:
    """By how much of its lowest value the validation loss has risen; NaN if unknown."""
    final, lowest = run["final"], run["lowest_validation_loss"]["validation_loss"]
    return final["validation_loss"] / lowest - 1 if final and known(lowest) else math.nan


def rise(runs: dict[str, dict[str, Any]]) -> str:
    """On which sets the validation loss has risen since it was lowest."""
    found = [
        f"on the {name} set by {risen(run):.0%} since step {run['lowest_validation_loss']['step']}"
        for name, run in runs.items()
        if risen(run) >= RISE
    ]
    return f"The validation loss has risen {listed(found)}: the model overfits." if found else ""


def no_rise(runs: dict[str, dict[str, Any]]) -> str:
    """On which sets it has not."""
    found = [f"the {name} set" for name, run in runs.items() if risen(run) < RISE]
    if not found:
        return ""
    return (
        f"On {listed(found)} the validation loss ends within {RISE:.0%} of its lowest: it has not "
        "begun to rise."
    )


def accuracies(metrics: TaskMetrics) -> Caption:
    """3c: both accuracies."""
    found = [
        f"{final['train_accuracy']:.1%} and {final['validation_accuracy']:.1%} ({name})"
        for name, final in evaluated(metrics).items()
    ]
    gaps = [
        f"{side(gap(final), 'above', 'below', 'level with')} training on the {name} set"
        for name, final in evaluated(metrics).items()
    ]
    return Caption(
        "3c: accuracy, by validation set",
        join(
            "Training and validation accuracy over the steps, a panel for each validation set: "
            f"{listed(chosen(metrics))}.",
            f"They end at {listed(found)}." if found else "",
        ),
        f"Validation ends {listed(gaps)}." if gaps else "",
    )


def gap(final: dict[str, Any]) -> float:
    """By how much validation is above training."""
    return final["validation_accuracy"] - final["train_accuracy"]


NARRATIVE = Narrative(
    overview,
    {
        "3b_loss": losses,
        "3c_accuracy": accuracies,
        "3d_class_shares": class_shares,
        "3d_file_order": file_order,
        "3d_selections": selections,
    },
)
