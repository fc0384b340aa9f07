"""The loss's own values as a witness of its slopes, in ball arithmetic."""

from typing import Any, Literal, NamedTuple

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.balls import Balls, precision
from mnist_jax.gradcheck.arithmetic.exact import exactly
from mnist_jax.gradcheck.arithmetic.interpreter import evaluate

BITS = 512
# h, an exact number; the error of a central difference is of the order of its square
STEP = 2.0**-200
# slopes that differ by less than this, relative to the larger, are the same
SAME = 2.0**-100
# a gradient is the slope if it has so many digits of it, as many as its data; with fewer than the
# second number it is not, and between the two the rounding of a constant may be the reason
WITNESSED, REFUTED = 15.0, 12.0

Witness = Literal["right", "wrong", "not told"]


class Slopes(NamedTuple):
    """Slopes of a loss along a direction, as balls.

    Attributes:
        central: From both sides.
        ahead: From the side that the direction points to.
        behind: From the other.
    """

    central: arb
    ahead: arb
    behind: arb


def differ(a: arb, b: arb) -> bool:
    """Whether two slopes are proved to differ, by more than the step explains."""
    allowed = (abs(a) + abs(b)).abs_upper() * arb(SAME) + arb(SAME)
    return bool(abs(a - b) > allowed)


def witness(slope: arb, central: arb) -> Witness:
    """Whether a gradient's slope along a direction is that of the loss's values.

    Args:
        slope: The gradient's.
        central: That of the values.

    Returns:
        The verdict.

    Example:
        >>> witness(arb(1), arb(1)), witness(arb(1), arb("1.00001"))
        ('right', 'wrong')
    """
    gap, size = abs(slope - central), (abs(slope) + abs(central)).abs_upper() + arb(SAME)
    if gap <= size * arb(10) ** -int(WITNESSED):
        return "right"
    return "wrong" if gap > size * arb(10) ** -int(REFUTED) else "not told"


def values_slope(
    loss: Any,
    point: Any,
    direction: Any,
    arithmetic: Balls | None = None,
    step: float = STEP,
) -> Slopes:
    r"""The slopes of a loss along a direction, of its values alone.

    They are $(f(x + h v) - f(x - h v)) / 2h$ and the differences to either side, in numbers of
    512 bits.

    Args:
        loss: The loss's jaxpr.
        point: All arguments, flat.
        direction: v: for each argument an array of its shape, or None if it is not
            differentiated.
        arithmetic: Balls, which keep the data that they have converted.
        step: h.

    Returns:
        The slopes.

    Raises:
        Undecided: If a comparison in the loss is of numbers that are too close.
        Unsupported: If the loss has an operation that has no ball arithmetic.

    Example:
        >>> import jax
        >>> with jax.enable_x64(True):
        ...     loss = jax.make_jaxpr(jax.numpy.exp)(1.0)
        >>> values_slope(loss, [np.array(0.0)], [np.array(1.0)]).central.str(50, radius=False)
        '1.0000000000000000000000000000000000000000000000000'
    """
    with precision(BITS):
        arithmetic, h = arithmetic or Balls(), arb(step)
        given = [arithmetic.data(x) for x in point]

        def value(step: arb) -> arb:
            moved = [
                x if v is None else np.asarray(x + exactly(v) * step, object)
                for x, v in zip(given, direction, strict=True)
            ]
            return evaluate(loss, moved, arithmetic)[0].item()

        ahead, here, behind = value(h), value(arb(0)), value(-h)
        return Slopes((ahead - behind) / (2 * h), (ahead - here) / h, (here - behind) / h)
