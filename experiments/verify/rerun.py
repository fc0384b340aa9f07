"""The experiments behind some claims, run again; and how far rounding moves their numbers.

Turning or mirroring every image changes nothing in the mathematics of a task: weights begin at
zero, and neither losses, norms nor the total variation know one side of an image from another. But
it changes the order in which a computer adds, and with it every rounding of the run. So does
double precision. What a number does in such runs is what rounding does to it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from experiments.common.progress import Progress
from experiments.common.settings import Settings
from experiments.common.task import Task
from experiments.verify.published import Published
from mnist_jax.data import Examples, Mnist
from mnist_jax.results import plain

TURNS = {
    "turned by half": lambda images: images[:, ::-1, ::-1],
    "transposed": lambda images: images.swapaxes(1, 2),
    "turned by a quarter": lambda images: np.rot90(images, axes=(1, 2)),
}
"""Symmetries of a square: what is done to every image."""


class Part(NamedTuple):
    """Claims that one run of a task measures together."""

    task: Task[Any]
    settings: Settings
    claims: list[Published]


def parts(claims: Sequence[Published]) -> Iterator[Part]:
    """Yields the fewest runs that measure these claims, those of a task next to each other."""
    for _, group in groupby(claims, key=lambda each: (each.task.name, each.settings)):
        together = list(group)
        first = together[0]
        yield Part(first.task, _alone(first.settings, together), together)


def _alone(settings: Settings, claims: Iterable[Published]) -> Settings:
    """Leave out what none of the claims needs: the changes on which they all agree."""
    agreed = set.intersection(*({*each.claim.alone.items()} for each in claims))
    # a choice that was made, such as one validation set of two, stays
    left_open = {k: v for k, v in agreed if not isinstance(getattr(settings, k), str)}
    return replace(settings, **left_open)


def measure(part: Part, mnist: Mnist, progress: Progress) -> Mapping[str, Any]:
    """Run a part; its metrics, as JSON holds them."""
    return plain(part.task.measure(part.settings, mnist, progress).metrics)


def rounded_otherwise(part: Part, mnist: Mnist, progress: Progress) -> Iterator[Mapping[str, Any]]:
    """Yields the metrics of runs of a part that have other rounding errors."""
    for turn in TURNS.values():
        turned = mnist._replace(train=_turned(mnist.train, turn), test=_turned(mnist.test, turn))
        yield measure(part, turned, progress)
    if part.settings.precision == "float32":
        double = part._replace(settings=replace(part.settings, precision="float64"))
        yield measure(double, mnist, progress)


def _turned(examples: Examples, turn: Any) -> Examples:
    side = round(examples.images.shape[1] ** 0.5)
    images = turn(examples.images.reshape(-1, side, side))
    return examples._replace(images=np.ascontiguousarray(images.reshape(len(images), -1)))
