"""A mistake, with the gradient that results from it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mnist_jax.gradcheck.problem import Problem

Leaves = list[np.ndarray]


class Hypothesis(NamedTuple):
    """A mistake, with the gradient that results from it.

    Attributes:
        words: Predicate of a sentence that starts with "the gradient".
        gradient: Function from a problem at a point to the leaves of the wrong gradient.
    """

    words: str
    gradient: Callable[[Problem], Leaves]


def at_places(hypothesis: Hypothesis, places: Sequence[Problem]) -> list[np.ndarray] | None:
    """Computes the gradient of a hypothesis at all points, leaf by leaf; None if that fails."""
    try:
        found = [hypothesis.gradient(place) for place in places]
    except Exception:  # a changed loss may be invalid
        return None
    stacked = [np.stack(each) for each in zip(*found, strict=True)]
    return stacked if all(np.all(np.isfinite(leaf)) for leaf in stacked) else None
