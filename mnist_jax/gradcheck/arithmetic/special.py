"""Special functions and factorizations of small matrices, in balls."""

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.comparisons import COMPARISONS
from mnist_jax.gradcheck.arithmetic.factorizations import table


def _lgamma(x: arb) -> arb:
    return abs(x.gamma()).log() if x < 0 else x.lgamma()


def _polygamma(order: arb, x: arb) -> arb:
    if order == 0:
        return x.digamma()
    return (-1) ** (int(float(order)) + 1) * (order + 1).gamma() * (order + 1).zeta(x)


def _igamma(a: arb, x: arb) -> arb:
    return arb(0) if x == 0 else x.gamma_lower(a, regularized=1)


def _igammac(a: arb, x: arb) -> arb:
    return arb(1) if x == 0 else x.gamma_upper(a, regularized=1)


SPECIAL: dict[str, tuple[Callable[..., arb], int]] = {
    "lgamma": (_lgamma, 1),
    "digamma": (arb.digamma, 1),
    "polygamma": (_polygamma, 2),
    "zeta": (lambda s, a: s.zeta(a), 2),
    "erf_inv": (lambda x: arb("inf") * x if abs(x) == 1 else x.erfinv(), 1),
    "igamma": (_igamma, 2),
    "igammac": (_igammac, 2),
    "regularized_incomplete_beta": (lambda a, b, x: x.beta_lower(a, b, regularized=1), 3),
    "bessel_i0e": (lambda x: abs(x).bessel_i(0, scaled=True), 1),
    "bessel_i1e": (lambda x: x.bessel_i(1) * (-abs(x)).exp(), 1),
}
"""Functions and their numbers of arguments, by the name of the JAX operation."""


def _cholesky(a: np.ndarray) -> tuple[np.ndarray]:
    size = len(a)
    lower = np.full((size, size), arb(0), object)
    for j in range(size):
        known = lower[j, :j]
        lower[j, j] = (a[j, j] - known @ known if j else a[j, j]).sqrt()
        below = a[j + 1 :, j] - lower[j + 1 :, :j] @ known if j else a[j + 1 :, j]
        lower[j + 1 :, j] = below / lower[j, j]
    return (lower,)


def _lu(a: np.ndarray) -> tuple[np.ndarray, ...]:
    a, rows = a.copy(), np.arange(len(a))
    pivots = np.arange(min(a.shape))
    for j in range(min(a.shape)):
        best = j
        for i in range(j + 1, len(a)):
            best = i if COMPARISONS["gt"](abs(a[i, j]), abs(a[best, j])) else best
        pivots[j] = best
        a[[j, best]], rows[[j, best]] = a[[best, j]], rows[[best, j]]
        a[j + 1 :, j] = a[j + 1 :, j] / a[j, j]
        a[j + 1 :, j + 1 :] -= np.outer(a[j + 1 :, j], a[j, j + 1 :])
    return a, pivots, rows


def _triangular_solve(
    a: np.ndarray,
    b: np.ndarray,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    unit_diagonal: bool,
    **_: Any,
) -> tuple[np.ndarray]:
    # x a = b is the transpose of a' x' = b'
    if bool(transpose_a) == left_side:
        a, lower = a.T, not lower
    b = b.copy() if left_side else b.T.copy()
    for i in range(len(a)) if lower else reversed(range(len(a))):
        known = slice(0, i) if lower else slice(i + 1, len(a))
        if a[i, known].size:
            b[i] = b[i] - a[i, known] @ b[known]
        if not unit_diagonal:
            b[i] = b[i] / a[i, i]
    return (b if left_side else b.T,)


FACTORIZATIONS = table(_cholesky, _lu, _triangular_solve)
"""Functions of matrices by the name of the JAX operation."""
