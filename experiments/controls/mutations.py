"""Wrong gradients of the report's three tasks, and the problems on which they must be caught."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax.nn import softmax
from jaxtyping import Array

from experiments.controls import wrong_parts
from experiments.controls.tasks import TaskName
from experiments.controls.wrong_parts import EXAMPLES
from mnist_jax.gradients import softmax_gradient

CLASSES, INPUTS, L2 = 5, 20, 0.02


class Mutation(NamedTuple):
    """A gradient with one mistake."""

    name: str  # unique name of the mistake
    task: TaskName  # task of the gradient
    wrong: str  # description of the mistake
    # function from (weights, inputs, targets), in 4a also l2, to the wrong gradient
    gradient: Callable[..., Array]
    inputs: int  # number of inputs of the problem, including the bias

    def arguments(self, seed: int = 0) -> tuple[Any, ...]:
        """Draws a realistic problem with zero weights, where training starts.

        The inputs are in [-1, 1]. Returns the arguments of the loss and the gradient.
        """
        rng = np.random.default_rng(seed)
        inputs = rng.uniform(-1, 1, (EXAMPLES, self.inputs))
        inputs[:, -1] = 1
        if self.task == "1a":
            return np.zeros(self.inputs), inputs, rng.integers(0, 2, EXAMPLES).astype(float)
        targets = np.eye(CLASSES)[rng.integers(0, CLASSES, EXAMPLES)]
        l2 = (L2,) if self.task == "4a" else ()
        return np.zeros((CLASSES, self.inputs)), inputs, targets, *l2


Change = Callable[..., Any]


def whole(gradient: Change) -> Change:
    """Returns a mistake that is the whole gradient."""
    return gradient


def residual(change: Change) -> Change:
    """Makes a mistake in the residual, a function of logits and targets."""
    return lambda w, x, y: change(x @ w.T, y).T @ x / len(x)


def factor(change: Change) -> Change:
    """Makes a mistake in the factor, a function of the numbers of examples and classes."""
    return lambda w, x, y: change(*y.shape) * softmax_gradient(w, x, y)


def inputs(change: Change) -> Change:
    """Makes a mistake in the inputs that the residual multiplies."""
    return lambda w, x, y: (softmax(x @ w.T) - y).T @ change(x) / len(x)


def examples(change: Change) -> Change:
    """Makes a mistake in the examples."""
    return lambda w, x, y: softmax_gradient(w, change(x), change(y))


def afterwards(change: Change) -> Change:
    """Makes a mistake that changes the correct gradient."""
    return lambda w, x, y: change(softmax_gradient(w, x, y))


def penalty(change: Change) -> Change:
    """Makes a mistake in the penalty, a function of the weights and lambda."""
    return lambda w, x, y, l2: softmax_gradient(w, x, y) + change(w, l2)


TABLES: tuple[tuple[TaskName, Callable[[Change], Change], wrong_parts.Table], ...] = (
    ("1a", residual, wrong_parts.LOGISTIC_RESIDUALS),
    ("1a", whole, wrong_parts.LOGISTIC_GRADIENTS),
    ("1b", residual, wrong_parts.SOFTMAX_RESIDUALS),
    ("1b", factor, wrong_parts.FACTORS),
    ("1b", inputs, wrong_parts.INPUT_CHANGES),
    ("1b", examples, wrong_parts.EXAMPLE_CHANGES),
    ("1b", whole, wrong_parts.SOFTMAX_GRADIENTS),
    ("1b", afterwards, wrong_parts.AFTERWARDS),
    ("4a", penalty, wrong_parts.PENALTIES),
)
# the transpose of a square gradient has the right shape
SQUARE = {"transposed": CLASSES}
MUTATIONS = tuple(
    Mutation(name, task, wrong, make(change), SQUARE.get(name, INPUTS))
    for task, make, table in TABLES
    for name, (wrong, change) in table.items()
)
