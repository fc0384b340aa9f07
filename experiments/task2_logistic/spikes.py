"""Spikes: short drops of the validation accuracy, and their places in the epoch (task 2e)."""

from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

PROMINENCE = 0.02
"""A drop counts as a spike from two points of accuracy below the lower of its shoulders: eight of
some 400 validation images. From one evaluation of a shuffled run to the next, after the first
epochs, 99 of 100 changes are of five images or fewer."""


class Spikes(TypedDict):
    """Spikes: step, depth (prominence, a fraction), epoch, and batch within it, all from 0."""

    count: int
    steps: np.ndarray
    depths: np.ndarray
    epochs: np.ndarray
    batches: np.ndarray


def find_spikes(
    accuracy: Float[np.ndarray, " evaluations"],
    steps: Int[np.ndarray, " evaluations"],
    steps_per_epoch: int,
    prominence: float = PROMINENCE,
) -> Spikes:
    """Find the spikes after the first epoch, in which every curve is still climbing.

    Args:
        accuracy: Validation accuracy of each evaluation, as a fraction.
        steps: Step of each evaluation.
        steps_per_epoch: Steps per epoch.
        prominence: Depth from which a drop counts.

    Returns:
        The spikes.

    Example:
        >>> accuracy = np.array([0.5, 0.9, 0.9, 0.8, 0.9, 0.91])
        >>> find_spikes(accuracy, steps=np.arange(6), steps_per_epoch=2)["steps"].tolist()
        [3]
    """
    from scipy.signal import find_peaks

    drops, shape = find_peaks(-accuracy, prominence=prominence)
    later = steps[drops] >= steps_per_epoch
    at = steps[drops][later]
    return {
        "count": len(at),
        "steps": at,
        "depths": shape["prominences"][later],
        "epochs": at // steps_per_epoch,
        "batches": at % steps_per_epoch,
    }
