"""A mistake, and the gradient that it leads to."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mnist_jax.gradcheck.problem import Problem

Leaves = list[np.ndarray]


class Hypothesis(NamedTuple):
    """A mistake, and the gradient that it leads to.

    Attributes:
        words: What follows "the gradient ..." in a sentence.
        gradient: From a problem, at a point, to the leaves of that gradient.
    """

    words: str
    gradient: Callable[[Problem], Leaves]


def at_places(hypothesis: Hypothesis, places: Sequence[Problem]) -> list[np.ndarray] | None:
    """The gradient of a hypothesis at all places, leaf by leaf; None if it can't be had."""
    try:
        found = [hypothesis.gradient(place) for place in places]
    except Exception:  # a changed loss may not be one
        return None
    stacked = [np.stack(each) for each in zip(*found, strict=True)]
    return stacked if all(np.all(np.isfinite(leaf)) for leaf in stacked) else None
