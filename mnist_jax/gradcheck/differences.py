r"""Derivatives from values of the loss: central differences and the Taylor remainder.

Along a line $\varphi(h) = f(x + h v)$, the central difference
$$D(h) = \frac{\varphi(h) - \varphi(-h)}{2h} = \varphi'(0) + O(h^2)$$
has a truncation error, which dominates at large steps h, and a rounding error of about
$u |\varphi| / h$, which dominates at small steps. Richardson extrapolation
$R(h) = D(h/4) + \frac{D(h/4) - D(h)}{15}$ removes the term in $h^2$. The remainder
$|\varphi(h) - \varphi(0) - h \langle g, v \rangle|$ is of order $h^2$ if g is the gradient, and of
order $h$ otherwise.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mnist_jax.gradcheck.tuning import (
    AGREE,
    BENT,
    CLEAR,
    HIGHEST,
    NEAREST,
    NUM_STEPS,
    RATIO,
    STRAIGHT,
    VISIBLE,
)

STEPS = RATIO ** -np.arange(float(NUM_STEPS))  # 1 to 4e-9


class Line(NamedTuple):
    r"""Values of a loss along a line.

    Attributes:
        steps: Steps h, decreasing.
        ahead: Values $\varphi(h)$.
        here: Value $\varphi(0)$.
        behind: Values $\varphi(-h)$.
        noise: Standard deviation of a value from rounding.
    """

    steps: Float[np.ndarray, " H"]
    ahead: Float[np.ndarray, " H"]
    here: float
    behind: Float[np.ndarray, " H"]
    noise: float


class Estimate(NamedTuple):
    """A derivative with an estimate of its error."""

    derivative: float
    error: float


@np.errstate(invalid="ignore")
def central_differences(line: Line) -> Float[np.ndarray, " H"]:
    """Returns the central difference at every step.

    Args:
        line: Loss along a line.

    Returns:
        Differences D(h); NaN where the loss is not finite.

    Example:
        >>> steps = np.array([1.0, 0.5])
        >>> line = Line(steps, (1 + steps) ** 3, 1.0, (1 - steps) ** 3, 0.0)
        >>> central_differences(line).tolist()
        [4.0, 3.25]
    """
    return (line.ahead - line.behind) / (2 * line.steps)


@np.errstate(invalid="ignore")
def richardson(line: Line) -> Estimate:
    """Estimates the derivative along a line by extrapolation of central differences.

    Args:
        line: Loss along a line, with steps that decrease by the factor `RATIO`.

    Returns:
        The extrapolated derivative. Its error is the change over two further refinements plus the
        rounding error. Near a kink, extrapolation from large steps converges to the mean of two
        slopes, so steps contradicted by smaller ones are discarded, and the error includes the part
        of a kink that rounding hides.

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
    r"""Estimates the order of the Taylor remainder: 2 for a correct gradient, 1 otherwise.

    Args:
        line: Loss along a line, with steps that decrease by the factor `RATIO`.
        slope: Slope $\langle g, v \rangle$ that the gradient gives along the line.
        tolerance: Tolerance of the slope.

    Returns:
        The slope of log remainder against log step, at the smallest steps whose remainder is
        distinguishable from rounding error and tolerance; NaN if there are none, as for a linear
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
    """Returns the slopes ahead of a point and behind it, which differ at a kink.

    Args:
        line: Loss along a line, with the steps `STEPS`.

    Returns:
        Both slopes at a step at which a smooth loss is linear; equal if rounding hides the
        difference.

    Example:
        >>> one_sided(Line(STEPS, abs(STEPS), 0.0, abs(-STEPS), 1e-16))
        (1.0, -1.0)
    """
    ahead, behind = line.ahead[STRAIGHT] - line.here, line.here - line.behind[STRAIGHT]
    if not abs(ahead - behind) > BENT * line.noise:
        ahead = behind = (ahead + behind) / 2
    return float(ahead / line.steps[STRAIGHT]), float(behind / line.steps[STRAIGHT])


def empirical_noise(line: Line) -> float:
    """Estimates the rounding error of a value from second differences at the smallest steps.

    Compilers contract products and sums, so the rounding error of a compiled value may differ from
    that of the same operations one by one.

    Args:
        line: Loss along a line, with the steps `STEPS`.

    Returns:
        The larger of the second differences at the two smallest steps.

    Example:
        >>> empirical_noise(Line(STEPS, 1 + STEPS**2, 1.0, 1 + STEPS**2, 0.0)) < 1e-14
        True
    """
    second = np.abs(line.ahead - 2 * line.here + line.behind)[-2:]
    return float(np.nanmax(second, initial=0))
