"""Random problems on which a right gradient must pass, ordinary and extreme."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from experiments.controls.families import FAMILIES, Draft, ordinary
from experiments.controls.tasks import TASKS, TaskName


class Shape(NamedTuple):
    """Numbers of examples N, classes K and inputs I."""

    examples: int
    classes: int
    inputs: int


# few, because each is compiled for each task
SHAPES = (
    Shape(1, 2, 1),
    Shape(1, 10, 20),
    Shape(2, 3, 1),
    Shape(7, 2, 5),
    Shape(64, 5, 20),
    Shape(128, 10, 100),
)
# a check of the real size takes ten times as long
REAL = Shape(128, 10, 785)
REAL_SHARE = 0.03


class Kind(NamedTuple):
    """What is drawn before any array.

    Attributes:
        number: Of the problem; with the seed, it gives the same problem again.
        task: Whose loss and gradient the problem is for.
        family: What is special about it.
        shape: Of its arrays; in 1a there are two classes.
    """

    number: int
    task: TaskName
    family: str
    shape: Shape


class Problem(NamedTuple):
    """A kind, and arguments of the loss and of the gradient."""

    kind: Kind
    arguments: tuple[Any, ...]


def problem(number: int, seed: int) -> Problem:
    """One of the random problems.

    Args:
        number: Which one.
        seed: Of all of them.

    Returns:
        The problem: the same for the same number and seed.

    Example:
        >>> problem(3, seed=0).kind.family
        'cancelling weights'
    """
    rng = _generator(number, seed)
    kind = draw_kind(rng, number)
    rows = 1 if kind.task == "1a" else kind.shape.classes
    draft = FAMILIES[kind.family](rng, ordinary(rng, rows, *kind.shape))
    return Problem(kind, _arguments(draft, kind.task))


def problems(count: int, seed: int) -> Iterator[Problem]:
    """Random problems, numbered from 0.

    Args:
        count: How many.
        seed: Of all of them.

    Returns:
        The problems.
    """
    return (problem(number, seed) for number in range(count))


def batches(count: int, seed: int) -> list[list[int]]:
    """The numbers of the problems, those together that share what is compiled for them.

    Args:
        count: How many problems there are.
        seed: Of all of them.

    Returns:
        A batch for each shape and task; those of the largest arrays first.
    """
    together: dict[tuple[Shape, TaskName], list[int]] = {}
    for number in range(count):
        kind = draw_kind(_generator(number, seed), number)
        together.setdefault((kind.shape, kind.task), []).append(number)
    return [together[key] for key in sorted(together, reverse=True)]


def draw_kind(rng: np.random.Generator, number: int) -> Kind:
    """The kind of a problem, each task and family as often as any other."""
    task = list(TASKS)[rng.integers(len(TASKS))]
    family = list(FAMILIES)[rng.integers(len(FAMILIES))]
    shape = REAL if rng.random() < REAL_SHARE else SHAPES[rng.integers(len(SHAPES))]
    return Kind(number, task, family, shape._replace(classes=2) if task == "1a" else shape)


def _generator(number: int, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, number])


def _arguments(draft: Draft, task: TaskName) -> tuple[Any, ...]:
    weights, inputs, targets, l2 = draft
    if task == "1a":
        return weights[0], inputs, targets[:, 1]
    return (weights, inputs, targets, l2) if task == "4a" else (weights, inputs, targets)
