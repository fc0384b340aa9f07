"""Real numbers that the floats in code and data stand for.

A number in the data has the exact value of its float. A constant in the code has the value that the
code states: 0.1 is one tenth, the float nearest to 1/3 is 1/3, and the float nearest to sqrt(2/pi)
is sqrt(2/pi). Both can also be perturbed at random by at most their rounding error.
"""

import functools
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import arb, fmpq

from mnist_jax.gradcheck.tuning import LARGEST_TERM, ULPS, WRITTEN


class Form(NamedTuple):
    """An expression of a constant by a fraction, such as its square root.

    Attributes:
        fraction: Function from the constant to the approximate fraction.
        back: Function from the fraction to the constant.
    """

    fraction: Callable[[float], float]
    back: Callable[[arb], arb]


FORMS = (
    Form(lambda v: v, lambda f: f),
    Form(lambda v: v * v, lambda f: f.sqrt()),
    Form(lambda v: v / np.pi, lambda f: f * arb.pi()),
    Form(lambda v: v * np.pi, lambda f: f / arb.pi()),
    Form(lambda v: v * v / np.pi, lambda f: (f * arb.pi()).sqrt()),
    Form(lambda v: v * v * np.pi, lambda f: (f / arb.pi()).sqrt()),
    Form(lambda v: float(np.exp(v)), lambda f: f.log()),
    Form(lambda v: 1 / v if v else 0.0, lambda f: 1 / f),
    Form(lambda v: float(np.exp(1 / v)) if v > 0.02 else 0.0, lambda f: 1 / f.log()),
    Form(lambda v: float(np.exp(2 * v)) / np.pi, lambda f: (f * arb.pi()).log() / 2),
)


def as_objects(numbers: Iterable[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Make an array of objects."""
    flat = list(numbers)
    result = np.empty(len(flat), object)
    result[:] = flat
    return result.reshape(shape)


def exactly(values: Any) -> np.ndarray:
    """Convert floats to balls with their exact values.

    Args:
        values: Array; an array of another dtype than floating is returned unchanged.

    Returns:
        An array of balls with radius zero.

    Example:
        >>> exactly(np.array([0.5, 3.0]))[0] * 3
        1.50000000000000
    """
    values = np.asarray(values)
    if values.dtype == object or np.issubdtype(values.dtype, np.integer) or values.dtype == bool:
        return values
    return as_objects(map(arb, values.astype(np.float64).ravel().tolist()), values.shape)


def as_written(value: float, eps: float = 2.0**-52) -> arb:
    """Return the number that a constant in code stands for.

    Args:
        value: Constant as a float.
        eps: Distance from 1 to the next number in the float's precision.

    Returns:
        A ball.

    Example:
        >>> as_written(3 * 0.1).overlaps(arb(3) / 10), 3 * 0.1 == 0.3
        (True, False)
    """
    if not np.isfinite(value) or value == int(value):
        return arb(value)
    fraction, back, _ = _meaning(abs(value), eps)
    ball = back(arb(fmpq(fraction.numerator, fraction.denominator)))
    return ball if value > 0 else -ball


def is_written(value: float, eps: float = 2.0**-52) -> bool:
    """Return whether a constant stands for a simple number, not for a computed one."""
    if not np.isfinite(value) or value == int(value):
        return True
    return _meaning(abs(value), eps)[2]


@functools.lru_cache(maxsize=4096)
def _meaning(value: float, eps: float) -> tuple[Fraction, Callable[[arb], arb], bool]:
    """Return a fraction, the function from it to the constant, and whether both are simple."""
    if eps > 1e-15:  # in float32, many fractions are near
        return Fraction(str(np.float32(value))), FORMS[0].back, True
    decimal = Fraction(f"{value:.{WRITTEN}g}")
    if abs(decimal / Fraction(value) - 1) < ULPS * eps:
        return decimal, FORMS[0].back, True
    for form in FORMS:
        with np.errstate(all="ignore"):
            about = form.fraction(value)
        if not 1e-6 < about < 1e6:
            continue
        fraction = Fraction(about).limit_denominator(LARGEST_TERM)
        short = 0 < fraction.numerator <= LARGEST_TERM**2
        if short and abs(fraction / Fraction(about) - 1) < ULPS * eps:
            return fraction, form.back, True
    return Fraction(repr(float(value))), FORMS[0].back, False


def moved(values: Any, draw: int, eps: float = 0.0) -> np.ndarray:
    """Perturb floats at random by at most their rounding error.

    Args:
        values: Array of floats. An array of integers, such as counts or one-hot labels, is assumed
            to be exact.
        draw: Number of the perturbation, from 1. It perturbs equal floats equally.
        eps: Least relative size of a unit in the last place.

    Returns:
        An array of balls with radius zero, each perturbed by up to half a unit in its last place.
    """
    values = np.asarray(values)
    balls = exactly(values)
    if balls is values:
        return values
    doubles = values.astype(np.float64)
    if np.all(doubles == np.rint(doubles)):
        return balls
    with np.errstate(all="ignore"):
        # the hash of splitmix64: random, and equal for equal numbers
        bits = (doubles.view(np.uint64) + np.uint64(draw)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        uniform = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53 - 0.5
        size = np.abs(values)
        place = np.maximum(np.spacing(size).astype(np.float64), eps * size)
        offsets = np.where(np.isinf(doubles), 0, uniform * place)
    return np.asarray(balls + exactly(offsets), object)
