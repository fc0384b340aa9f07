"""What an error may be, coordinate by coordinate: multiples of what rounding does there."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from mnist_jax.gradcheck.differences import richardson
from mnist_jax.gradcheck.points import Evaluated

# what an error may be, in standard deviations of what rounding does
TOLERANCE = 16.0
# ... and in multiples of what Richardson's extrapolation says of its own error
SETTLED = 8.0


def known(reverse: PyTree, hand: PyTree) -> PyTree:
    """Autodiff's gradient; the hand-written one where autodiff's alone is not finite.

    There the values of the loss decide.
    """

    def leaf(theirs: Any, ours: Any) -> Any:
        return np.where(np.isfinite(ours) & ~np.isfinite(theirs), ours, theirs)

    return jax.tree.map(leaf, reverse, hand)


def allowed_by_reverse(at: Evaluated, precision: str) -> PyTree:
    """What the hand-written gradient may differ from autodiff's by, coordinate by coordinate."""
    deviation = at.deviation
    reverse = deviation.hand if deviation.reverse is None else deviation.reverse
    return allowed(deviation.hand, reverse, at.values.reverse, precision)


def agrees(at: Evaluated, precision: str) -> bool:
    """Whether the hand-written gradient agrees with autodiff's at a point."""
    tolerance = allowed_by_reverse(at, precision)
    pairs = zip(
        *(jax.tree.leaves(each) for each in (at.values.hand, at.values.reverse, tolerance)),
        strict=True,
    )
    return all(bool(np.all(np.abs(a - b) <= t)) for a, b, t in pairs)


def allowed_along(at: Evaluated) -> np.ndarray:
    """What the slope along each direction may be off from that of central differences."""
    errors = np.array([richardson(line).error for line in at.lines])
    return SETTLED * errors + TOLERANCE * np.asarray(at.deviation.slopes)[: len(errors)]


def allowed(ours: PyTree, reference: PyTree, values: PyTree, precision: str) -> PyTree:
    """What two results may differ by: a multiple of their deviations, and their last place.

    Args:
        ours: The standard deviation of the one from rounding.
        reference: That of the other.
        values: The reference itself.
        precision: The dtype.

    Returns:
        The tolerance of each coordinate.
    """
    eps = float(jnp.finfo(precision).eps)

    def leaf(a: Any, b: Any, value: Any) -> Any:
        size = np.nan_to_num(np.abs(np.asarray(value, np.float64)), posinf=0.0)
        return TOLERANCE * np.hypot(a, b) + eps * size

    return jax.tree.map(leaf, ours, reference, values)


def largest(tree: PyTree) -> float:
    """The largest magnitude in a pytree."""
    return max(float(np.max(np.abs(leaf), initial=0)) for leaf in jax.tree.leaves(tree))
