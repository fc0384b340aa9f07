"""2e: whether the batch at which the spikes are is told by what is in it.

Three things are measured of every batch of an epoch in file order: how far the share of one digit
is from its mean, how hard its images are (the mean loss of the batch as the run meets it), and how
one-sided it is. The last is the mean of (prediction - label) at the last weights: a batch of hard
images of one digit pulls all predictions to that digit. And the epoch is begun at another batch: if
the spikes move along with the images, it is not the place in the epoch that makes them.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from experiments import reported
from experiments.robustness import pairs
from experiments.robustness.parts import Part, split
from experiments.robustness.stopping import OWN, Curves
from experiments.task2_logistic.spikes import find_spikes
from mnist_jax import data, training
from mnist_jax.features import make_inputs
from mnist_jax.models import logistic

MEASURES = ("share", "difficulty", "one_sidedness")
ROTATIONS = "rotations"


class Content(NamedTuple):
    """What is in the batches of a run, and what they do to the validation accuracy.

    Attributes:
        measures: Name to the measure of each batch.
        drop: Mean fall of the accuracy at each batch, after the first epoch.
        spikes: How many spikes are at each batch.
    """

    measures: dict[str, Float[np.ndarray, " batches"]]
    drop: Float[np.ndarray, " batches"]
    spikes: Int[np.ndarray, " batches"]

    @property
    def usual(self) -> int:
        """The batch with most spikes."""
        return int(np.argmax(self.spikes))

    def rank(self, measure: str) -> int:
        """The place of that batch by a measure; 1 is the most extreme."""
        values = self.measures[measure]
        return int(np.sum(values > values[self.usual])) + 1


class Batches(NamedTuple):
    """The batches of an epoch in file order, with what a model makes of them.

    Attributes:
        images: Pixels, (batches, images, pixels).
        labels: Labels 0 and 1, (batches, images).
        residuals: Prediction minus label of each image.
    """

    images: np.ndarray
    labels: Int[np.ndarray, "batches images"]
    residuals: Float[np.ndarray, "batches images"]

    @property
    def wrong(self) -> Bool[np.ndarray, "batches images"]:
        """Whether each image is classified wrongly."""
        return np.abs(self.residuals) > 0.5


def cut(mnist: data.Mnist, part: Curves, weights: np.ndarray) -> Batches:
    """The batches of a part's training set, judged by some weights."""
    train = split(mnist, part.setting["digits"]).train
    shape = part.schedule.steps_per_epoch, part.setting["batch_size"]
    count = shape[0] * shape[1]
    inputs = make_inputs(jnp.asarray(train.images[:count]), "float32")
    residuals = np.asarray(jax.nn.sigmoid(inputs @ weights)) - train.labels[:count]
    return Batches(
        train.images[:count].reshape(*shape, -1),
        train.labels[:count].reshape(shape),
        residuals.reshape(shape),
    )


def content(part: Curves, row: np.void, batches: Batches) -> Content:
    """What is in the batches of a run and what they do."""
    epoch = part.schedule.steps_per_epoch
    accuracy = row["validation_accuracy"].astype(float)
    later = np.diff(accuracy, prepend=accuracy[0]).reshape(-1, epoch)[1:]
    spikes = find_spikes(row["validation_accuracy"], part.steps, epoch)["batches"]
    shares = batches.labels.mean(axis=1)
    return Content(
        {
            "share": np.abs(shares - shares.mean()),
            "difficulty": row["train_loss"].reshape(-1, epoch)[1:].mean(axis=0),
            "one_sidedness": np.abs(batches.residuals.mean(axis=1)),
        },
        -later.mean(axis=0),
        np.bincount(spikes, minlength=epoch),
    )


def measure(
    mnist: data.Mnist, every_step: Sequence[Curves], rotated: np.ndarray
) -> tuple[dict[str, Any], Batches]:
    """What is known of the batches at which the spikes are.

    Args:
        mnist: The data.
        every_step: Runs in file order, evaluated after every step.
        rotated: Accuracies of the runs whose epochs begin at another batch.

    Returns:
        Numbers over all settings that have spikes; the batches of the report's own setting.
    """
    runs = [(part, row) for part in every_step for row in part.rows]
    cuts = [cut(mnist, part, row["weights"]) for part, row in runs]
    contents = [content(*run, cut) for run, cut in zip(runs, cuts, strict=True)]
    own = [part.of(row) for part, row in runs].index(OWN)
    found = [one for one in contents if one.spikes.any()]
    measured = {
        "settings_with_spikes": len(found),
        "spikes_at_the_usual_batch": float(
            np.mean([one.spikes.max() / one.spikes.sum() for one in found])
        ),
        "usual_batch_is_first_by": {
            name: float(np.mean([one.rank(name) == 1 for one in found])) for name in MEASURES
        },
        "by_chance": float(np.mean([1 / len(one.spikes) for one in found])),
        "median_rank_by": {
            name: float(np.median([one.rank(name) for one in found])) for name in MEASURES
        },
        "own": _own(contents[own], cuts[own]),
        "rotations": followed(contents[own], rotated),
    }
    return measured, cuts[own]


def _own(one: Content, batches: Batches) -> dict[str, Any]:
    """The batches in the report's own setting."""
    usual = one.usual
    wrong, labels = batches.wrong[usual], batches.labels[usual]
    return {
        "batch": usual,
        "batches": len(one.spikes),
        "spikes": one.spikes,
        "drop": one.drop,
        "one_sidedness": batches.residuals.mean(axis=1),
        "share_of_the_first_digit": batches.labels.mean(axis=1),
        "difficulty": one.measures["difficulty"],
        "rank": {name: one.rank(name) for name in MEASURES},
        "wrong_of_each_digit": [int(wrong[labels == 1].sum()), int(wrong[labels == 0].sum())],
    }


def rotations(batch_size: int = reported.BATCH_SIZE) -> Part:
    """The report's setting with the epoch begun at one batch after another."""
    return Part(ROTATIONS, _batches(batch_size), partial(_rotate, batch_size))


def _batches(batch_size: int) -> int:
    return reported.STEPS_PER_EPOCH * reported.BATCH_SIZE // batch_size


def _rotate(batch_size: int, mnist: data.Mnist) -> np.ndarray:
    count = _batches(batch_size)

    def ordering(epoch: int, num_examples: int) -> np.ndarray:
        (order,) = training.in_file_order(epoch, num_examples)
        whole = order[: count * batch_size]
        turned = [np.roll(whole, -first * batch_size) for first in range(count)]
        return np.stack([np.append(one, order[len(whole) :]) for one in turned])

    result = training.fit(
        logistic,
        split(mnist, reported.DIGITS),
        training.hyperparameters(reported.LOGISTIC_RATE, num_orders=count),
        pairs.settings(batch_size, every_step=True),
        ordering=ordering,
    )
    return result.history.evaluations.validation_accuracy[:, :, 0].T


def followed(own: Content, accuracies: np.ndarray) -> dict[str, Any]:
    """How often most spikes are at the same images, wherever in the epoch these come."""
    epoch = len(own.spikes)
    steps = np.arange(accuracies.shape[1])
    usual = [
        np.bincount(find_spikes(accuracy, steps, epoch)["batches"], minlength=epoch).argmax()
        for accuracy in accuracies
    ]
    images = (np.array(usual) + np.arange(len(usual))) % epoch
    return {"tried": len(usual), "place": usual, "followed": int(np.sum(images == own.usual))}
