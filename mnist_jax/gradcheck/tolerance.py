"""The tolerance of each coordinate: a multiple of its rounding error."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from mnist_jax.gradcheck.differences import richardson
from mnist_jax.gradcheck.points import Evaluated
from mnist_jax.gradcheck.tuning import SETTLED, TOLERANCE


def known(reverse: PyTree, hand: PyTree) -> PyTree:
    """Replaces coordinates where only autodiff's gradient is not finite by the hand-written ones.

    At those coordinates, the values of the loss decide.
    """

    def leaf(theirs: Any, ours: Any) -> Any:
        return np.where(np.isfinite(ours) & ~np.isfinite(theirs), ours, theirs)

    return jax.tree.map(leaf, reverse, hand)


def allowed_by_reverse(at: Evaluated, precision: str) -> PyTree:
    """Returns the tolerance of each coordinate in the comparison with autodiff."""
    deviation = at.deviation
    reverse = deviation.hand if deviation.reverse is None else deviation.reverse
    return allowed(deviation.hand, reverse, at.values.reverse, precision)


def agrees(at: Evaluated, precision: str) -> bool:
    """Returns whether the hand-written gradient agrees with autodiff's at a point."""
    tolerance = allowed_by_reverse(at, precision)
    pairs = zip(
        *(jax.tree.leaves(each) for each in (at.values.hand, at.values.reverse, tolerance)),
        strict=True,
    )
    return all(bool(np.all(np.abs(a - b) <= t)) for a, b, t in pairs)


def allowed_along(at: Evaluated) -> np.ndarray:
    """Returns the tolerance of each slope in the comparison with central differences."""
    errors = np.array([richardson(line).error for line in at.lines])
    return SETTLED * errors + TOLERANCE * np.asarray(at.deviation.slopes)[: len(errors)]


def allowed(ours: PyTree, reference: PyTree, values: PyTree, precision: str) -> PyTree:
    """Returns the tolerance of a difference: a multiple of the deviations, plus one rounding."""
    eps = float(jnp.finfo(precision).eps)

    def leaf(a: Any, b: Any, value: Any) -> Any:
        size = np.nan_to_num(np.abs(np.asarray(value, np.float64)), posinf=0.0)
        return TOLERANCE * np.hypot(a, b) + eps * size

    return jax.tree.map(leaf, ours, reference, values)


def largest(tree: PyTree) -> float:
    """Returns the largest magnitude in a pytree."""
    return max(float(np.max(np.abs(leaf), initial=0)) for leaf in jax.tree.leaves(tree))
