"""Agreement of two gradients in ball arithmetic."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from flint import arb, ctx

from mnist_jax.gradcheck.tuning import EQUAL, ZERO_BITS

DECIMAL = float(np.log10(2))


class Pair(NamedTuple):
    """Two gradients at a point in balls, each as one flat array.

    Attributes:
        theirs: Autodiff's gradient.
        ours: Hand-written gradient.
        shapes: Shapes of the arrays of each gradient.
    """

    theirs: np.ndarray
    ours: np.ndarray
    shapes: list[tuple[int, ...]]

    @property
    def difference(self) -> np.ndarray:
        """The difference in each coordinate."""
        return np.asarray(self.ours - self.theirs, object)

    @property
    def leaves(self) -> np.ndarray:
        """The position of the array that contains each coordinate."""
        return np.repeat(np.arange(len(self.shapes)), [int(np.prod(s)) for s in self.shapes])

    def scales(self) -> np.ndarray:
        """Return the base-2 logarithm of autodiff's largest entry in each array."""
        return self._largest(logarithms(self.theirs, arb.abs_lower))

    def _largest(self, values: np.ndarray) -> np.ndarray:
        result = np.full(len(self.shapes), -np.inf)
        np.maximum.at(result, self.leaves, values)
        return result

    def agreement(self) -> float | None:
        """Return the number of digits to which the gradients agree; None if undecided."""
        scales, gaps = self.scales(), self._largest(logarithms(self.difference))
        upper = np.maximum(*(self._largest(logarithms(x)) for x in (self.ours, self.theirs)))
        zero = (scales == -np.inf) & (upper < -ZERO_BITS / 2) & (ctx.prec >= ZERO_BITS)
        scales[zero] = 0  # for zero arrays, count absolute digits
        known = gaps > -np.inf  # the other arrays are exactly equal
        digits = (scales[known] - gaps[known]) * DECIMAL
        if not np.all(digits >= EQUAL):
            return None
        return float(np.min(digits, initial=ctx.prec * DECIMAL))

    def place(self, position: int) -> tuple[int, tuple[int, ...]]:
        """Return the array that contains a coordinate, and its index there."""
        leaf = int(self.leaves[position])
        first = int(np.argmax(self.leaves == leaf))
        return leaf, tuple(map(int, np.unravel_index(position - first, self.shapes[leaf])))


def logarithms(balls: np.ndarray, bound: Callable[[arb], arb] = arb.abs_upper) -> np.ndarray:
    """Return approximate base-2 logarithms of a bound of each ball; infinite if unbounded."""
    floats = np.array([float(bound(ball)) for ball in balls], np.float64)
    with np.errstate(all="ignore"):
        logarithms = np.log2(floats)
    for i in np.flatnonzero(~((floats > 1e-300) & (floats < 1e300))):
        logarithms[i] = _logarithm(bound(balls[i]), np.inf if bound is arb.abs_upper else -np.inf)
    return logarithms


def _logarithm(bound: arb, unbounded: float) -> float:
    if not bound.is_finite():
        return unbounded
    mantissa, exponent = map(int, bound.man_exp())
    spare = max(mantissa.bit_length() - 53, 0)
    return float(np.log2(mantissa >> spare)) + spare + exponent if mantissa else -np.inf
