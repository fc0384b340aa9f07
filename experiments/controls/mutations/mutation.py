"""Wrong gradients, and the problems on which the checker must catch them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array

from experiments.controls.tasks import TaskName

EXAMPLES, CLASSES, INPUTS, L2 = 64, 5, 20, 0.02


class Mutation(NamedTuple):
    """A gradient with one mistake.

    Attributes:
        name: Unique name of the mistake.
        task: Task of the gradient.
        wrong: Description of the mistake.
        gradient: Function from (weights, inputs, targets), in 4a also l2, to the wrong gradient.
        inputs: Number of inputs of the problem, including the bias.
    """

    name: str
    task: TaskName
    wrong: str
    gradient: Callable[..., Array]
    inputs: int = INPUTS

    def arguments(self, seed: int = 0) -> tuple[Any, ...]:
        """Draws a realistic problem with zero weights, where training starts.

        Args:
            seed: Seed for drawing the inputs in [-1, 1] and the labels.

        Returns:
            The arguments of the loss and the gradient.
        """
        rng = np.random.default_rng(seed)
        inputs = rng.uniform(-1, 1, (EXAMPLES, self.inputs))
        inputs[:, -1] = 1
        if self.task == "1a":
            return np.zeros(self.inputs), inputs, rng.integers(0, 2, EXAMPLES).astype(float)
        targets = np.eye(CLASSES)[rng.integers(0, CLASSES, EXAMPLES)]
        softmax = np.zeros((CLASSES, self.inputs)), inputs, targets
        return (*softmax, L2) if self.task == "4a" else softmax
