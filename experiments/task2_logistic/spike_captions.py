"""What the page says of task 2's spikes: where they are, and what shuffling leaves of them."""

import math
from typing import Any

import numpy as np

from experiments.common.captions import Caption, TaskMetrics
from experiments.common.words import counted, join, points


def deepest(spikes: dict[str, Any]) -> str:
    """How deep the deepest spike is, if there is one."""
    if not spikes["count"]:
        return ""
    depth = points(np.max(spikes["depths"]))
    return f", the deepest of {depth}" if spikes["count"] > 1 else f" of {depth}"


def spike_position(metrics: TaskMetrics) -> Caption:
    """2e: where the spikes are."""
    spikes = metrics["unshuffled"]["spikes_every_step"]
    return Caption(
        "2e: the spikes, evaluated after every step",
        join(
            "Validation accuracy over the steps and, beside it, over the place in the epoch.",
            f"There are {counted(spikes['count'], 'spike')}{deepest(spikes)}.",
            place(metrics),
        ),
        join(period(metrics), seam(metrics)),
    )


def usual_batch(metrics: TaskMetrics) -> int | None:
    """The batch at which most spikes are; None if there are none."""
    batches = np.asarray(metrics["unshuffled"]["spikes_every_step"]["batches"], int)
    return int(np.bincount(batches).argmax()) if len(batches) else None


def place(metrics: TaskMetrics) -> str:
    """At which batch most of the spikes are."""
    usual, steps = usual_batch(metrics), metrics["steps_per_epoch"]
    return "" if usual is None else f"Most are at batch {usual} of {steps}, counted from 0."


def period(metrics: TaskMetrics) -> str:
    """How often an evaluation comes to the same place in the epoch."""
    steps, every = metrics["steps_per_epoch"], metrics["evaluate_every"]
    epochs = math.lcm(steps, every) // steps
    if every == 1:
        return "Every step of every epoch is evaluated."
    if epochs == 1:
        return f"An evaluation every {every} steps samples the same batches in every epoch."
    return (
        f"An evaluation every {every} steps samples each of the {steps} batch positions only once "
        f"every {epochs} epochs, and misses the spikes in between."
    )


def seam(metrics: TaskMetrics) -> str:
    """Whether the spikes follow the turn of the epoch, or a batch within it."""
    usual = usual_batch(metrics)
    if usual is None:
        return ""
    if usual < 3:
        return "They follow the seam between two epochs."
    through = usual / metrics["steps_per_epoch"]
    return (
        f"Most come {through:.0%} of the way through the epoch: the batches there cause them, not "
        "the seam between two epochs."
    )


def shuffling(metrics: TaskMetrics) -> Caption:
    """2e: with and without shuffling."""
    before, after = metrics["unshuffled"]["spikes"], metrics["shuffled"]["spikes"]
    return Caption(
        "2e: with and without shuffling",
        f"Validation accuracy over the steps. In file order it has "
        f"{counted(before['count'], 'spike')}{deepest(before)}; beside it the "
        f"median and the band of {counted(after['seeds'], 'shuffled run')}, which have "
        f"{after['mean_count']:.1f} spikes on average and {after['maximum_count']} at most.",
        join(depth(before, after), order(metrics)),
    )


def depth(before: dict[str, Any], after: dict[str, Any]) -> str:
    """How much of a spike's depth shuffling leaves."""
    if not before["count"]:
        return "There are no spikes in file order that shuffling could remove."
    left = after["mean_greatest_depth"] / np.max(before["depths"])
    return f"With shuffling the deepest drop is {left:.0%} as large."


def order(metrics: TaskMetrics) -> str:
    """Whether the order of the batches still shows in the end."""
    final = metrics["unshuffled"]["final"]
    ends = np.asarray(metrics["shuffled"]["final_validation_accuracy"], float)
    if not final or not np.isfinite(ends).all():
        return ""
    low, high = ends.min(), ends.max()
    within = low <= final["validation_accuracy"] <= high
    verdict = "the order no longer shows" if within else "the order still shows"
    return (
        f"At the end, shuffled runs are at {low:.1%} to {high:.1%} and the one in file order is at "
        f"{final['validation_accuracy']:.1%}: {verdict}."
    )
