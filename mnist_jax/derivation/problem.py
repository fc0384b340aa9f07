"""Random problems on which the lines of a derivation are evaluated."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Task = Literal["1a", "1b", "4a"]
"""Task of the report."""
LARGEST_LOGIT = 3.0


class Problem(NamedTuple):
    r"""Values of the symbols of a line: one example in 1a and 1b, a batch of N in 4a.

    Attributes:
        weights: Weights $w$; (I,) in 1a, otherwise (K, I).
        inputs: Inputs $x$; (N, I) in 4a, otherwise (I,).
        targets: Labels $y$; 0 or 1 in 1a, otherwise one-hot; (), (K,) or (N, K).
        l2: Factor $\lambda$, a scalar.
    """

    weights: Float[Array, "..."]
    inputs: Float[Array, "..."]
    targets: Float[Array, "..."]
    l2: Float[Array, ""]

    @property
    def logits(self) -> Float[Array, "..."]:
        """Logits $z = w x$, with the shape of the targets."""
        return jnp.inner(self.inputs, self.weights)


def random_problems(
    task: Task,
    count: int = 64,
    *,
    seed: int = 0,
    num_inputs: int = 3,
    num_classes: int = 4,
    num_examples: int = 5,
) -> Problem:
    """Draw problems of a task in float64, with logits of magnitude up to `LARGEST_LOGIT`.

    Args:
        task: Task, which determines the shapes.
        count: Number of problems.
        seed: Seed of NumPy's generator.
        num_inputs: Number I of inputs, each from -1 to 1 like pixels.
        num_classes: Number K of classes, except in 1a.
        num_examples: Number N of examples, in 4a.

    Returns:
        The problems, stacked along the first axis of each array.

    Example:
        >>> random_problems("1b", 64).weights.shape
        (64, 4, 3)
    """
    rng = np.random.default_rng(seed)
    classes = () if task == "1a" else (num_classes,)
    batch = (num_examples,) if task == "4a" else ()
    scales = np.geomspace(0.02, 1, count) * LARGEST_LOGIT / num_inputs
    weights = np.moveaxis(rng.uniform(-1, 1, (*classes, num_inputs, count)) * scales, -1, 0)
    inputs = rng.uniform(-1, 1, (count, *batch, num_inputs))
    labels = rng.integers(0, num_classes if classes else 2, (count, *batch))
    targets = np.eye(num_classes)[labels] if classes else labels.astype(float)
    with jax.enable_x64(True):
        return Problem(*map(jnp.asarray, (weights, inputs, targets, rng.uniform(0, 2, count))))
