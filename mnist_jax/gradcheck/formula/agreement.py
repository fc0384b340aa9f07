"""How closely two gradients agree, whose entries are balls."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from flint import arb, ctx

# two gradients that agree to so many digits of the largest entry are equal
DIGITS = 30
# an array that can't be told from zero with so many bits, and is below its root, is zero
ZERO_BITS = 512
DECIMAL = float(np.log10(2))


class Pair(NamedTuple):
    """Two gradients at a point, in balls; their arrays flat, one after another.

    Attributes:
        theirs: Autodiff's.
        ours: The hand-written one.
        shapes: Shapes of the arrays.
    """

    theirs: np.ndarray
    ours: np.ndarray
    shapes: list[tuple[int, ...]]

    @property
    def difference(self) -> np.ndarray:
        """In each coordinate."""
        return np.asarray(self.ours - self.theirs, object)

    @property
    def leaves(self) -> np.ndarray:
        """The array that each coordinate is in, by its position."""
        return np.repeat(np.arange(len(self.shapes)), [int(np.prod(s)) for s in self.shapes])

    def scales(self) -> np.ndarray:
        """The size of autodiff's largest entry in each array, as a logarithm to base 2."""
        return self._largest(logarithms(self.theirs, arb.abs_lower))

    def _largest(self, values: np.ndarray) -> np.ndarray:
        result = np.full(len(self.shapes), -np.inf)
        np.maximum.at(result, self.leaves, values)
        return result

    def agreement(self) -> float | None:
        """To how many digits the gradients agree; None if more bits must tell."""
        scales, gaps = self.scales(), self._largest(logarithms(self.difference))
        upper = np.maximum(*(self._largest(logarithms(x)) for x in (self.ours, self.theirs)))
        zero = (scales == -np.inf) & (upper < -ZERO_BITS / 2) & (ctx.prec >= ZERO_BITS)
        scales[zero] = 0  # what is zero is zero to so many places
        known = gaps > -np.inf  # the others are equal exactly
        digits = (scales[known] - gaps[known]) * DECIMAL
        if not np.all(digits >= DIGITS):
            return None
        return float(np.min(digits, initial=ctx.prec * DECIMAL))

    def place(self, position: int) -> tuple[int, tuple[int, ...]]:
        """Which array a coordinate is in, and where in it."""
        leaf = int(self.leaves[position])
        first = int(np.argmax(self.leaves == leaf))
        return leaf, tuple(map(int, np.unravel_index(position - first, self.shapes[leaf])))


def logarithms(balls: np.ndarray, bound: Callable[[arb], arb] = arb.abs_upper) -> np.ndarray:
    """About the logarithms to base 2 of a bound of each; infinite for what has none."""
    floats = np.array([float(bound(ball)) for ball in balls], np.float64)
    with np.errstate(all="ignore"):
        logarithms = np.log2(floats)
    for i in np.flatnonzero(~((floats > 1e-300) & (floats < 1e300))):
        logarithms[i] = _logarithm(bound(balls[i]), np.inf if bound is arb.abs_upper else -np.inf)
    return logarithms


def _logarithm(bound: arb, unbounded: float) -> float:
    """The logarithm of a number that may be larger or smaller than any float."""
    if not bound.is_finite():
        return unbounded
    mantissa, exponent = map(int, bound.man_exp())
    spare = max(mantissa.bit_length() - 53, 0)
    return float(np.log2(mantissa >> spare)) + spare + exponent if mantissa else -np.inf
