"""Candidates for a wrong factor, and their meaning."""

import itertools
import math
from typing import NamedTuple

import jax
import numpy as np

from mnist_jax.gradcheck.mistakes.leaf import Fit
from mnist_jax.gradcheck.problem import Problem, is_floating
from mnist_jax.gradcheck.tuning import EXPLAINED, SLACK

SMALL = 4
TIMES = {1: "", 2: "twice ", 4: "four times "}


class Candidate(NamedTuple):
    """A candidate for a wrong factor.

    Attributes:
        value: Value of the factor.
        name: Meaning of the number in the problem.
        times: Description of a gradient that is too large by this factor.
        divided: Description of a gradient that is too small by this factor.
    """

    value: float
    name: str
    times: str = ""
    divided: str = ""


def candidates(problem: Problem, arrays: dict[str, np.ndarray]) -> list[Candidate]:
    """Returns candidates for a wrong factor: scalars, lengths and sums of the data."""
    scalars, lengths, sums = [], {}, []
    for name, array in arrays.items():
        if np.ndim(array) == 0 and is_floating(array):
            scalars += [Candidate(n * float(array), f"{word}{name}") for n, word in TIMES.items()]
        for axis, length in enumerate(np.shape(array)):
            lengths.setdefault(length, f"the length of axis {axis} of {name}")
        if np.ndim(array) == 1 and is_floating(array):
            total = float(np.sum(array))
            sums.append(Candidate(total, f"the sum of {name}", *_sum_and_mean(f"{name}'s sum")))
    for i, leaf in enumerate(jax.tree.leaves(problem.differentiated)):
        for axis, length in enumerate(np.shape(leaf)):
            lengths.setdefault(length, f"the length of axis {axis} of {problem.names[i]}")
    named = [
        Candidate(float(length), name, *_sum_and_mean(f"the {length}"))
        for length, name in lengths.items()
        if length > 2
    ]
    large = [each for each in named if each.value > SMALL]  # small lengths have too many ratios
    ratios = [
        Candidate(a.value / b.value, f"{a.name} over {b.name}")
        for a, b in itertools.permutations(large, 2)
    ]
    off_by_one = [Candidate(n.value / (n.value - 1), f"{n.name}, over one less") for n in named]
    return [*scalars, *named, *sums, *off_by_one, *ratios, *_sizes(arrays), *LOGARITHMS]


def _sizes(arrays: dict[str, np.ndarray]) -> list[Candidate]:
    return [
        Candidate(float(np.size(array)), f"the size of {name}", *_sum_and_mean(f"all of {name}"))
        for name, array in arrays.items()
        if np.ndim(array) > 1
    ]


LOGARITHMS = [
    Candidate(float(np.log(2)), "ln 2, as between bits and nats"),
    Candidate(float(np.log(10)), "ln 10, as between decimal and natural logarithms"),
]


def _sum_and_mean(what: str) -> tuple[str, str]:
    return (
        f"it sums over {what} where the loss takes a mean",
        f"it divides by {what} where the loss takes a sum",
    )


def describe_factor(found: Fit, known: list[Candidate]) -> str:
    """Describes a factor, as `-1 times autodiff's: the sign is wrong`."""
    # an epsilon in the loss changes the factor by about as much as the fit is off
    off = SLACK * found.relative
    plain = [size for size in _plain(known) if _same(size, abs(found.factor), off)]
    factor = math.copysign(plain[0], found.factor) if plain else found.factor
    return f"{number(factor)} times autodiff's{_meaning(factor, known)}{upto(found)}"


def number(value: float) -> str:
    """Formats a number."""
    return f"{value:.7g}"


def upto(found: Fit) -> str:
    """States the accuracy of a claim, unless rounding explains the error."""
    return f" (up to a relative {found.relative:.0e})" if found.relative else ""


def _meaning(factor: float, known: list[Candidate]) -> str:
    size = abs(factor)
    sign = ", with the wrong sign" if factor < 0 else ""
    if _same(size, 1.0):
        return ": the sign is wrong" if factor < 0 else ""
    if _same(size, 2.0) or _same(size, 0.5):
        word = "a factor of 2 too much" if size > 1 else "a factor of 2 is missing"
        return f": {word}{sign}"
    for candidate in known:
        if _same(size, candidate.value):
            why = f": {candidate.times}" if candidate.times else ""
            return f" ({candidate.name}){why}{sign}"
        if candidate.value and _same(size * candidate.value, 1.0):
            why = f": {candidate.divided}" if candidate.divided else ""
            return f" (1/{number(candidate.value)}, {candidate.name}){why}{sign}"
    return sign


def named(value: float, known: list[Candidate]) -> str:
    """Formats a number, with its name if it is a known constant."""
    for candidate in known:
        if _same(abs(value), candidate.value):
            return f"{number(value)} ({candidate.name})"
    return number(value)


def _same(a: float, b: float, off: float = 0.0) -> bool:
    return bool(np.isclose(a, b, rtol=max(off, EXPLAINED), atol=0))


def is_plain(value: float, known: list[Candidate]) -> bool:
    """Returns whether a factor of a hypothesis is a common mistake."""
    return any(_same(size, abs(value)) for size in _plain(known))


def _plain(known: list[Candidate]) -> list[float]:
    lengths = [c.value for c in known if c.times and c.value]
    return [1.0, 2.0, 0.5, *lengths, *(1 / each for each in lengths)]
