"""A wrong gradient, and the problem on which it must be caught."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array

from experiments.controls.tasks import TaskName

EXAMPLES, CLASSES, INPUTS, L2 = 64, 5, 20, 0.02


class Mutation(NamedTuple):
    """A gradient with one mistake.

    Attributes:
        name: Of the mistake; unique.
        task: Whose gradient it is.
        wrong: What is wrong, in a few words.
        gradient: (weights, inputs, targets) to the wrong gradient; in 4a, l2 too.
        inputs: How many inputs the problem has, the bias among them.
    """

    name: str
    task: TaskName
    wrong: str
    gradient: Callable[..., Array]
    inputs: int = INPUTS

    def arguments(self, seed: int = 0) -> tuple[Any, ...]:
        """A problem like a real one, at the weights where training starts: zeros.

        Args:
            seed: Of the inputs in [-1, 1] and of the labels.

        Returns:
            What the loss and the gradient are called with.
        """
        rng = np.random.default_rng(seed)
        inputs = rng.uniform(-1, 1, (EXAMPLES, self.inputs))
        inputs[:, -1] = 1
        if self.task == "1a":
            return np.zeros(self.inputs), inputs, rng.integers(0, 2, EXAMPLES).astype(float)
        targets = np.eye(CLASSES)[rng.integers(0, CLASSES, EXAMPLES)]
        softmax = np.zeros((CLASSES, self.inputs)), inputs, targets
        return (*softmax, L2) if self.task == "4a" else softmax
