"""Random problems, ordinary and extreme, on which a correct gradient must pass."""

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


# few shapes, because each is compiled for each task
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
    """The properties of a problem that are drawn before its arrays.

    Attributes:
        number: Number of the problem; it determines the problem together with the seed.
        task: Task of the loss and the gradient.
        family: Family of the problem.
        shape: Shape of the arrays; in 1a there are two classes.
    """

    number: int
    task: TaskName
    family: str
    shape: Shape


class Problem(NamedTuple):
    """A problem: its kind, and the arguments of the loss and the gradient."""

    kind: Kind
    arguments: tuple[Any, ...]


def problem(number: int, seed: int) -> Problem:
    """Draws a random problem.

    Args:
        number: Number of the problem.
        seed: Seed of all problems.

    Returns:
        The problem, determined by number and seed.

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
    """Draws random problems, numbered from 0.

    Args:
        count: Number of problems.
        seed: Seed of all problems.

    Returns:
        The problems.
    """
    return (problem(number, seed) for number in range(count))


def batches(count: int, seed: int) -> list[list[int]]:
    """Groups the numbers of the problems that share compiled programs.

    Args:
        count: Number of problems.
        seed: Seed of all problems.

    Returns:
        A batch for each shape and task, those with the largest arrays first.
    """
    together: dict[tuple[Shape, TaskName], list[int]] = {}
    for number in range(count):
        kind = draw_kind(_generator(number, seed), number)
        together.setdefault((kind.shape, kind.task), []).append(number)
    return [together[key] for key in sorted(together, reverse=True)]


def draw_kind(rng: np.random.Generator, number: int) -> Kind:
    """Draws the kind of a problem; all tasks and families are equally likely."""
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
