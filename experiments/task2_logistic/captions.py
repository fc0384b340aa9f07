"""What the page says of task 2: where training stops, and what the order of the batches does."""

import math
from typing import Any

from experiments.common.captions import Caption, Narrative, TaskMetrics
from experiments.common.words import counted, join, listed, points, side
from experiments.task2_logistic.spike_captions import deepest, shuffling, spike_position
from experiments.task2_logistic.spikes import PROMINENCE
from experiments.task2_logistic.stopping_captions import SLIGHT, cost, criteria, stopping


def overview(metrics: TaskMetrics) -> str:
    """How well the run does, and what its two stopping criteria make of it."""
    return join(reached(metrics), criteria(metrics), cost(metrics))


def reached(metrics: TaskMetrics) -> str:
    """The accuracies at the end, and which of them is the higher."""
    run = metrics["unshuffled"]
    final = run["final"]
    if not final:
        return f"In file order, the run {run['outcome']}, before it could be evaluated."
    validation, train = final["validation_accuracy"], final["train_accuracy"]
    gap = side(validation - train, "above", "below", "level with")
    reason = "the validation images are the easier ones" if validation > train else "as expected"
    return (
        f"In file order, training ends with {validation:.1%} of the validation images classified "
        f"correctly, {gap} the {train:.1%} of the training images: {reason}."
    )


def loss(metrics: TaskMetrics) -> Caption:
    """2b: both losses."""
    run = metrics["unshuffled"]
    lowest, final = run["lowest_validation_loss"], run["final"]
    stops = [f"{name} at step {s}" for name, s in run["stop_step"].items() if s is not None]
    shown = (
        f"The validation loss is lowest, {lowest['validation_loss']:.4f} nats, at step "
        f"{lowest['step']} and ends at {final['validation_loss']:.4f}."
        if final
        else "No evaluation has a finite loss."
    )
    marks = f"Dashed lines mark where a criterion stops: {listed(stops)}." if stops else ""
    return Caption(
        "2b: loss, batches in file order",
        join("Training and validation loss over the steps.", shown, marks),
        overfitting(run),
    )


def overfitting(run: dict[str, Any]) -> str:
    """Whether the validation loss rises again, and by how much."""
    lowest, final = run["lowest_validation_loss"], run["final"]
    if not final:
        return ""
    if lowest["step"] >= final["step"]:
        return "The validation loss is lowest at the end: it has not begun to rise."
    rise = final["validation_loss"] / lowest["validation_loss"] - 1
    place = (lowest["step"] + 1) / (final["step"] + 1)
    kind = "that is hardly overfitting" if rise <= SLIGHT else "that is overfitting"
    return (
        f"The validation loss is lowest after {place:.0%} of the run and ends {rise:.1%} above "
        f"that: {kind}."
    )


def accuracy(metrics: TaskMetrics) -> Caption:
    """2c: both accuracies."""
    run, images = metrics["unshuffled"], metrics["validation_examples"]
    final, spikes = run["final"], run["spikes"]
    ends = (
        f"They end at {final['train_accuracy']:.1%} and {final['validation_accuracy']:.1%}."
        if final
        else ""
    )
    return Caption(
        "2c: accuracy, batches in file order",
        join(
            "Training and validation accuracy over the steps.",
            ends,
            f"The validation curve has {counted(spikes['count'], 'spike')}{deepest(spikes)}.",
        ),
        f"With {images} validation images, one image is {100 / images:.2f} points: a spike counts "
        f"from {points(PROMINENCE)}, which is {counted(math.ceil(PROMINENCE * images), 'image')}.",
    )


NARRATIVE = Narrative(
    overview,
    {
        "2b_loss": loss,
        "2c_accuracy": accuracy,
        "2d_stopping": stopping,
        "2e_spike_position": spike_position,
        "2e_shuffling": shuffling,
    },
)
