"""Random problems, ordinary and extreme, on which a correct gradient must pass."""

from typing import Any, NamedTuple

import numpy as np

from experiments.controls.families import FAMILIES, ordinary
from experiments.controls.tasks import TASKS, TaskName


class Shape(NamedTuple):
    """Numbers of examples N, classes K and inputs I."""

    examples: int
    classes: int
    inputs: int


# few shapes, because each is compiled for each task
SHAPES = (
    *(Shape(1, 2, 1), Shape(1, 10, 20), Shape(2, 3, 1)),
    *(Shape(7, 2, 5), Shape(64, 5, 20), Shape(128, 10, 100)),
)
# a check of the real size takes ten times as long
REAL = Shape(128, 10, 785)
REAL_SHARE = 0.03


class Kind(NamedTuple):
    """The properties of a problem that are drawn before its arrays."""

    number: int  # number of the problem; it determines the problem together with the seed
    task: TaskName  # task of the loss and the gradient
    family: str  # family of the problem
    shape: Shape  # shape of the arrays; in 1a there are two classes


class Problem(NamedTuple):
    """A problem: its kind, and the arguments of the loss and the gradient."""

    kind: Kind
    arguments: tuple[Any, ...]


def problem(number: int, seed: int) -> Problem:
    """Draws the random problem that its number and the seed of all problems determine.

    Example:
        >>> problem(3, seed=0).kind.family
        'cancelling weights'
    """
    rng = np.random.default_rng([seed, number])
    kind = draw_kind(rng, number)
    rows = 1 if kind.task == "1a" else kind.shape.classes
    draft = FAMILIES[kind.family](rng, ordinary(rng, rows, *kind.shape))
    if kind.task == "1a":
        return Problem(kind, (draft.weights[0], draft.inputs, draft.targets[:, 1]))
    return Problem(kind, tuple(draft) if kind.task == "4a" else tuple(draft[:3]))


def batches(count: int, seed: int) -> list[list[int]]:
    """Groups the numbers of the problems from 0 to count - 1 that share compiled programs.

    Returns:
        A batch for each shape and task, those with the largest arrays first.
    """
    together: dict[tuple[Shape, TaskName], list[int]] = {}
    for number in range(count):
        kind = draw_kind(np.random.default_rng([seed, number]), number)
        together.setdefault((kind.shape, kind.task), []).append(number)
    return [together[key] for key in sorted(together, reverse=True)]


def draw_kind(rng: np.random.Generator, number: int) -> Kind:
    """Draws the kind of a problem; all tasks and families are equally likely."""
    task = list(TASKS)[rng.integers(len(TASKS))]
    family = list(FAMILIES)[rng.integers(len(FAMILIES))]
    shape = REAL if rng.random() < REAL_SHARE else SHAPES[rng.integers(len(SHAPES))]
    return Kind(number, task, family, shape._replace(classes=2) if task == "1a" else shape)
