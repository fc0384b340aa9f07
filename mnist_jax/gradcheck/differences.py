r"""Derivatives from values alone: central differences and Taylor's remainder, over many steps.

Along a line $\varphi(h) = f(x + h v)$, the central difference
$$D(h) = \frac{\varphi(h) - \varphi(-h)}{2h} = \varphi'(0) + O(h^2)$$
is off by truncation at large steps and by roundoff, about $u |\varphi| / h$, at small ones: a V
over the step. Richardson's extrapolation $R(h) = D(h/4) + \frac{D(h/4) - D(h)}{15}$ removes the
term in $h^2$. The remainder $|\varphi(h) - \varphi(0) - h \langle g, v \rangle|$ falls like $h^2$
if g is the gradient, and like $h$ if it is not.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

RATIO = 4.0
STEPS = RATIO ** -np.arange(15.0)  # 1 to 4e-9
# what a remainder must exceed to be told from roundoff, in standard deviations of the value
VISIBLE = 100.0
# ... and in multiples of what the slope may be off by, whose part of the remainder is of order 1
CLEAR = 8.0
# by how many of their errors extrapolations from two steps may differ
AGREE = 4.0
# of an order, which has no bound where the remainder vanishes
HIGHEST = 4.0
# the step, about 2e-7, beyond which a bend may lie that roundoff hides
NEAREST = 11
# the step, about 1e-6, at which a smooth loss is straight
STRAIGHT = 10
# a kink's second difference grows with the step, 64-fold from the smallest; roundoff's does not
BENT = 8.0


class Line(NamedTuple):
    r"""A loss along a line.

    Attributes:
        steps: h, falling.
        ahead: $\varphi(h)$.
        here: $\varphi(0)$.
        behind: $\varphi(-h)$.
        noise: The standard deviation of a value, from rounding.
    """

    steps: Float[np.ndarray, " H"]
    ahead: Float[np.ndarray, " H"]
    here: float
    behind: Float[np.ndarray, " H"]
    noise: float


class Estimate(NamedTuple):
    """A derivative, and how far it may be off."""

    derivative: float
    error: float


@np.errstate(invalid="ignore")
def central_differences(line: Line) -> Float[np.ndarray, " H"]:
    """The central difference of every step.

    Args:
        line: The loss along a line.

    Returns:
        D(h), NaN where the loss is not finite.

    Example:
        >>> steps = np.array([1.0, 0.5])
        >>> line = Line(steps, (1 + steps) ** 3, 1.0, (1 - steps) ** 3, 0.0)
        >>> central_differences(line).tolist()
        [4.0, 3.25]
    """
    return (line.ahead - line.behind) / (2 * line.steps)


@np.errstate(invalid="ignore")
def richardson(line: Line) -> Estimate:
    """The derivative along a line, from the steps at which extrapolation has settled best.

    Args:
        line: The loss along a line, with steps that fall by `RATIO`.

    Returns:
        The extrapolated derivative; its error is the change over two further refinements, and
        roundoff. Beyond a bend near by, extrapolation settles on the mean of two slopes: a step is
        left out if a smaller one tells otherwise, and what roundoff hides of a bend is allowed for.

    Example:
        >>> line = Line(STEPS, np.exp(STEPS), 1.0, np.exp(-STEPS), 1e-16)
        >>> estimate = richardson(line)
        >>> abs(estimate.derivative - 1) < estimate.error < 1e-8
        True
    """
    differences = central_differences(line)
    extrapolated = differences[1:] + np.diff(differences) / (RATIO**2 - 1)
    change = np.abs(np.diff(extrapolated))
    settled = np.maximum(change[:-1], change[1:])
    errors = settled + line.noise * (2 / line.steps[1:-2] + 1 / line.steps[NEAREST])
    if np.all(np.isnan(errors)):
        return Estimate(np.nan, np.inf)
    apart = np.abs(extrapolated[:-2, None] - extrapolated[:-2])
    refuted = np.triu(apart > AGREE * (errors[:, None] + errors)).any(axis=1)
    best = np.nanargmin(np.where(refuted, np.inf, errors))
    return Estimate(float(extrapolated[best]), float(errors[best]))


@np.errstate(invalid="ignore")
def taylor_order(line: Line, slope: float, tolerance: float) -> float:
    r"""The order at which Taylor's remainder falls with the step: 2 for a gradient, 1 otherwise.

    Args:
        line: The loss along a line, with steps that fall by `RATIO`.
        slope: $\langle g, v \rangle$, what the gradient says of the line.
        tolerance: By how much it may be off.

    Returns:
        The slope of the logarithm of the remainder over that of the step, at the smallest steps
        whose remainder is told from roundoff and tolerance; NaN if there is none, as for a linear
        loss.

    Example:
        >>> line = Line(STEPS, np.exp(STEPS), 1.0, np.exp(-STEPS), 1e-16)
        >>> print(f"{taylor_order(line, 1.0, 1e-9):.2f} {taylor_order(line, 1.1, 1e-9):.2f}")
        2.00 1.00
    """
    remainders = np.abs(line.ahead - line.here - line.steps * slope)
    told = remainders > VISIBLE * line.noise + CLEAR * line.steps * tolerance
    visible = np.flatnonzero(told[:-1])
    if not len(visible):
        return float("nan")
    last = visible[-1]
    smaller = max(remainders[last + 1], remainders[last] * RATIO**-HIGHEST)
    return float(np.log(remainders[last] / smaller) / np.log(RATIO))


def one_sided(line: Line) -> tuple[float, float]:
    """The slopes of a line ahead of a point and behind it, which differ at a kink.

    Args:
        line: The loss along a line, with the steps `STEPS`.

    Returns:
        Both at a step so small that a smooth loss is straight; equal if roundoff hides them.

    Example:
        >>> one_sided(Line(STEPS, abs(STEPS), 0.0, abs(-STEPS), 1e-16))
        (1.0, -1.0)
    """
    ahead, behind = line.ahead[STRAIGHT] - line.here, line.here - line.behind[STRAIGHT]
    if not abs(ahead - behind) > BENT * line.noise:
        ahead = behind = (ahead + behind) / 2
    return float(ahead / line.steps[STRAIGHT]), float(behind / line.steps[STRAIGHT])


def empirical_noise(line: Line) -> float:
    """What second differences at the smallest steps are, where all but roundoff has vanished.

    Compilers contract products and sums, so that a value's rounding may differ from what rounding
    operation by operation gives.

    Args:
        line: The loss along a line, with the steps `STEPS`.

    Returns:
        The larger of the last two.

    Example:
        >>> empirical_noise(Line(STEPS, 1 + STEPS**2, 1.0, 1 + STEPS**2, 0.0)) < 1e-14
        True
    """
    second = np.abs(line.ahead - 2 * line.here + line.behind)[-2:]
    return float(np.nanmax(second, initial=0))
