"""Factorizations of stacks of matrices, of floats by SciPy and of balls, as JAX returns them.

JAX's own would be compiled for each shape first, which takes longer than a whole check.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb
from scipy.linalg import get_lapack_funcs

from mnist_jax.gradcheck.arithmetic.comparisons import COMPARISONS

# SciPy's functions above these raise on a singular matrix, where JAX returns infinities
GETRF, TRTRS = get_lapack_funcs(("getrf", "trtrs"), dtype=np.float64)


def stacked(function: Callable[..., Any], *arrays: np.ndarray, **parameters: Any) -> list[Any]:
    """Apply a function from matrices to a tuple of arrays to each matrix of stacks."""
    stack = arrays[0].shape[:-2]
    flat = [x.reshape(-1, *x.shape[-2:]) for x in arrays]
    results = [function(*matrices, **parameters) for matrices in zip(*flat, strict=True)]
    return [np.stack(r).reshape(*stack, *r[0].shape) for r in zip(*results, strict=True)]


def table(
    cholesky: Callable[..., Any], lu: Callable[..., Any], triangular_solve: Callable[..., Any]
) -> dict[str, Callable[..., Any]]:
    """Make functions of stacks of matrices, by the names of JAX's operations, of those of one."""
    return {
        "cholesky": lambda a, **_: stacked(cholesky, a),
        "lu": lambda a, **_: stacked(lu, a),
        "triangular_solve": lambda a, b, **how: stacked(triangular_solve, a, b, **how),
    }


def _cholesky_floats(a: np.ndarray) -> tuple[np.ndarray]:
    try:
        return (np.linalg.cholesky(a),)
    except np.linalg.LinAlgError:  # not positive definite
        return (np.full_like(a, np.nan),)


def _lu_floats(a: np.ndarray) -> tuple[np.ndarray, ...]:
    factors, pivots, _info = GETRF(a)
    rows = np.arange(len(a))
    for i, pivot in enumerate(pivots):
        rows[[i, pivot]] = rows[[pivot, i]]
    return factors, pivots.astype(np.int32), rows.astype(np.int32)


def _triangular_solve_floats(
    a: np.ndarray,
    b: np.ndarray,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    unit_diagonal: bool,
    **_: Any,
) -> tuple[np.ndarray]:
    # x a = b is the transposed of a' x' = b'
    turned = bool(transpose_a) == left_side
    right = b if left_side else b.T
    x, singular = TRTRS(a, right, lower=lower, trans=int(turned), unitdiag=unit_diagonal)
    x = np.full_like(x, np.nan) if singular else x
    return (x if left_side else x.T,)


def _cholesky_balls(a: np.ndarray) -> tuple[np.ndarray]:
    size = len(a)
    lower = np.full((size, size), arb(0), object)
    for j in range(size):
        known = lower[j, :j]
        lower[j, j] = (a[j, j] - known @ known if j else a[j, j]).sqrt()
        below = a[j + 1 :, j] - lower[j + 1 :, :j] @ known if j else a[j + 1 :, j]
        lower[j + 1 :, j] = below / lower[j, j]
    return (lower,)


def _lu_balls(a: np.ndarray) -> tuple[np.ndarray, ...]:
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


def _triangular_solve_balls(
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


FLOATS = table(_cholesky_floats, _lu_floats, _triangular_solve_floats)
BALLS = table(_cholesky_balls, _lu_balls, _triangular_solve_balls)
"""Functions of matrices by the name of the JAX operation."""
