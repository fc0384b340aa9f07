"""Slopes of a loss from its values alone, in ball arithmetic."""

from typing import Any, Literal, NamedTuple

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.balls import Balls, precision
from mnist_jax.gradcheck.arithmetic.exact import exactly
from mnist_jax.gradcheck.arithmetic.interpreter import evaluate
from mnist_jax.gradcheck.tuning import REFUTED, SAME, STEP, WITNESS_BITS, WITNESSED

Witness = Literal["right", "wrong", "not told"]


class Slopes(NamedTuple):
    """Slopes of a loss along a direction, as balls.

    Attributes:
        central: Central difference quotient.
        ahead: One-sided quotient in the direction.
        behind: One-sided quotient against the direction.
    """

    central: arb
    ahead: arb
    behind: arb


def differ(a: arb, b: arb) -> bool:
    """Return whether two slopes are proved to differ by more than the step explains."""
    allowed = (abs(a) + abs(b)).abs_upper() * arb(SAME) + arb(SAME)
    return bool(abs(a - b) > allowed)


def witness(slope: arb, central: arb) -> Witness:
    """Judge whether a gradient's slope along a direction is that of the loss's values.

    Args:
        slope: Slope by the gradient.
        central: Slope by the values of the loss.

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
    r"""Compute the slopes of a loss along a direction from its values.

    They are $(f(x + h v) - f(x - h v)) / 2h$ and the one-sided difference quotients, computed with
    512 bits.

    Args:
        loss: Jaxpr of the loss.
        point: Flat list of all arguments.
        direction: Direction v: for each argument an array of its shape, or None if it is not
            differentiated.
        arithmetic: Ball arithmetic, which caches converted data.
        step: Step h.

    Returns:
        The slopes.

    Raises:
        Undecided: If the loss compares numbers that are too close.
        Unsupported: If the loss has an operation without ball arithmetic.

    Example:
        >>> import jax
        >>> with jax.enable_x64(True):
        ...     loss = jax.make_jaxpr(jax.numpy.exp)(1.0)
        >>> values_slope(loss, [np.array(0.0)], [np.array(1.0)]).central.str(50, radius=False)
        '1.0000000000000000000000000000000000000000000000000'
    """
    with precision(WITNESS_BITS):
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
