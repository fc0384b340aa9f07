"""Factorizations of stacks of matrices by SciPy, as JAX's operations return them.

JAX's own would be compiled for each shape first, which takes longer than a whole check.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs

# SciPy's functions above these raise on a singular matrix, where JAX returns infinities
GETRF, TRTRS = get_lapack_funcs(("getrf", "trtrs"), dtype=np.float64)


def stacked(function: Callable[..., Any], *arrays: np.ndarray, **parameters: Any) -> list[Any]:
    """Apply a function to each matrix of a stack.

    Args:
        function: From matrices to a tuple of arrays.
        *arrays: Stacks of the same length of matrices.
        **parameters: Passed on.

    Returns:
        A list of stacked results.
    """
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


def _cholesky(a: np.ndarray) -> tuple[np.ndarray]:
    try:
        return (np.linalg.cholesky(a),)
    except np.linalg.LinAlgError:  # not positive definite
        return (np.full_like(a, np.nan),)


def _lu(a: np.ndarray) -> tuple[np.ndarray, ...]:
    factors, pivots, _info = GETRF(a)
    rows = np.arange(len(a))
    for i, pivot in enumerate(pivots):
        rows[[i, pivot]] = rows[[pivot, i]]
    return factors, pivots.astype(np.int32), rows.astype(np.int32)


def _triangular_solve(
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


FACTORIZATIONS = table(_cholesky, _lu, _triangular_solve)
"""Functions of matrices by the names of JAX's operations."""
