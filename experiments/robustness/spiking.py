"""2e in every setting: the spikes in file order, and what shuffling leaves of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments import reported
from experiments.robustness import pairs
from experiments.robustness.declared import Declared
from experiments.robustness.specification import Multiverse, Setting, multiverse
from experiments.robustness.stopping import OWN, Curves
from experiments.task2_logistic import claims
from experiments.task2_logistic.metrics import spikes_of_runs
from experiments.task2_logistic.spikes import PROMINENCE, find_spikes
from mnist_jax.training import TrainingSettings

OWN_SPIKES = {**OWN, "prominence": PROMINENCE}


def multiverses(
    declared: Declared,
    curves: Sequence[Curves],
    every_step: Sequence[Curves],
    content: dict[str, Any],
) -> list[Multiverse]:
    """The claims of 2e in all settings.

    Args:
        declared: All settings.
        curves: Runs evaluated as the report does.
        every_step: Runs in file order, evaluated after every step.
        content: What is known of the batches at which the spikes are.
    """
    settings = list(_spikes(declared, every_step))
    left = _shuffled(declared, curves)
    units = ("digits",)
    return [
        multiverse(claims.spike_count, OWN_SPIKES, units, settings),
        multiverse(claims.spike_place, OWN_SPIKES, units, settings, content),
        multiverse(claims.shuffling, OWN_SPIKES, units, left),
    ]


def _spikes(declared: Declared, every_step: Sequence[Curves]) -> Iterator[tuple[Setting, Any]]:
    """Settings and metrics of `spike-count` and `spike-place`."""
    for part in every_step:
        epoch = part.schedule.steps_per_epoch
        seen = part.steps % TrainingSettings(batch_size=1).schedule(epoch).evaluate_every == 0
        for row in part.rows:
            accuracy = row["validation_accuracy"]
            for prominence in declared.prominences:
                some = find_spikes(accuracy[seen], part.steps[seen], epoch, prominence)
                every = find_spikes(accuracy, part.steps, epoch, prominence)
                run = {"spikes": some, "spikes_every_step": every, "epochs": reported.EPOCHS}
                setting = {**part.of(row), "prominence": prominence}
                yield setting, {"unshuffled": run, "steps_per_epoch": epoch}


def _shuffled(declared: Declared, curves: Sequence[Curves]) -> Iterator[tuple[Setting, Any]]:
    """Settings and metrics of `shuffling`."""
    for part in curves:
        for prominence in declared.prominences:
            found = np.array(
                [
                    find_spikes(accuracy, part.steps, part.schedule.steps_per_epoch, prominence)
                    for accuracy in part.rows["validation_accuracy"]
                ]
            )
            for rate in dict.fromkeys(part.rows["learning_rate"]):
                own = part.rows["learning_rate"] == rate
                in_order = part.rows["seed"] == pairs.IN_FILE_ORDER
                (before,) = found[own & in_order]
                after = spikes_of_runs(found[own & ~in_order].tolist())
                setting = {**part.of(part.rows[np.argmax(own)]), "prominence": prominence}
                yield setting, {"unshuffled": {"spikes": before}, "shuffled": {"spikes": after}}
