"""Tests whether a gradient has a wrong factor at some terms of the loss."""

from collections.abc import Sequence

import numpy as np

from mnist_jax.gradcheck.mistakes import derivatives
from mnist_jax.gradcheck.mistakes.constants import Constant, describe_factor, is_plain
from mnist_jax.gradcheck.mistakes.derivatives import Loss
from mnist_jax.gradcheck.mistakes.hypothesis import Hypothesis, at_places
from mnist_jax.gradcheck.mistakes.leaf import Fit, Leaf
from mnist_jax.gradcheck.problem import Problem

# largest relative distance of a factor from the plain number that it is rounded to
EXPLAINED = 1e-6


def terms_that_differ(
    loss: Loss,
    broken: list[Leaf],
    positions: list[int],
    places: Sequence[Problem],
    known: list[Constant],
) -> str:
    """Describes the terms of the loss at which the gradient has a wrong factor, or empty."""
    found = derivatives.of_terms(loss)
    parts = [at_places(Hypothesis(name, gradient), places) for name, gradient in found]
    if len(parts) < 2 or any(part is None for part in parts):
        return ""
    columns = [np.concatenate([part[i].ravel() for i in positions]) for part in parts if part]
    ours = np.concatenate([leaf.ours.ravel() for leaf in broken])
    tolerance = np.concatenate([leaf.tolerance.ravel() for leaf in broken])
    matrix = np.stack(columns, axis=1)
    sizes = np.abs(matrix).max(axis=0)
    if not np.all(sizes) or len(ours) < 3 * len(parts):
        return ""
    factors = np.linalg.lstsq(matrix / sizes, ours, rcond=None)[0] / sizes
    factors = np.array([_rounded(f) for f in factors])
    if np.any(np.abs(matrix @ factors - ours) > 8 * (1 + np.abs(factors).max()) * tolerance):
        return ""
    wrong = [i for i, f in enumerate(factors) if f != 1]
    if (
        not wrong
        or len(wrong) == len(parts)
        or not all(is_plain(factors[i], known) or not factors[i] for i in wrong)
    ):
        return ""
    predicates = []
    for i in wrong:
        words = derivatives.describe_term(loss, i, places[0])
        if factors[i] == 0:
            predicates.append(f"leaves out {words}")
        else:
            factor = describe_factor(Fit(float(factors[i]), 0.0), known)
            predicates.append(f"is {factor}, in {words}")
    return " and ".join(predicates)


def _rounded(value: float) -> float:
    """Rounds a factor that is close to a plain number to that number."""
    for plain in (0.0, 1.0, -1.0, 2.0, 0.5):
        if abs(value - plain) < EXPLAINED:
            return plain
    nearest = round(value)
    if nearest and abs(value / nearest - 1) < EXPLAINED:
        return float(nearest)
    inverse = round(1 / value)
    return 1 / inverse if inverse and abs(value * inverse - 1) < EXPLAINED else value
