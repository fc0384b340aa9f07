"""JAX's operations on floats in NumPy, and which of them round.

The functions are those of random rounding: operations evaluated in float64.
"""

from functools import partial

import numpy as np

from mnist_jax.gradcheck.arithmetic import elementwise, factorizations
from mnist_jax.gradcheck.arithmetic.combining import (
    arranged,
    convolution,
    ordering,
    polynomial,
    reductions,
)
from mnist_jax.gradcheck.arithmetic.structure import INTEGERS, STRUCTURE

REDUCTIONS = reductions(
    {
        "sum": (np.add, 0.0),
        "prod": (np.multiply, 1.0),
        "max": (np.maximum, -np.inf),
        "min": (np.minimum, np.inf),
    }
)
ORDERING = ordering(lambda x: x)
OPERATIONS = {
    **STRUCTURE,
    **ORDERING,
    **REDUCTIONS,
    **elementwise.FLOATS,
    **factorizations.FLOATS,
    "clamp": INTEGERS["clamp"],
    "integer_pow": lambda x, y: np.power(x, float(y)),
    "polynomial": polynomial,
    "dot_general": partial(arranged, np.matmul),
    "conv_general_dilated": partial(convolution, np.matmul),
}
"""Functions of floats by the name of the JAX operation; JAX itself computes all others."""
OF_INTEGERS = REDUCTIONS | ORDERING | STRUCTURE | INTEGERS
# operations without rounding: their results are operands, up to the sign, or integers
EXACT = frozenset(
    {
        *(name for name in STRUCTURE if name not in ("scatter-add", "scatter-sub", "scatter-mul")),
        *ORDERING,
        *(name for name in REDUCTIONS if name.endswith(("max", "min"))),
        *("neg", "abs", "sign", "max", "min", "clamp", "floor", "ceil", "round", "is_finite"),
        *("eq", "ne", "lt", "le", "gt", "ge"),
    }
)
# operations without rounding if all operands are whole numbers, such as orders and counts
WHOLE = frozenset({"add", "sub", "mul", "add_any"})
# operations whose error is absolute where the result is smaller than 1
SPECIAL = frozenset((*elementwise.SPECIAL, "igamma_grad_a", "random_gamma_grad"))
# operations that compute the exact result for a slightly perturbed matrix
CONDITIONED = frozenset(
    [
        *("lu", "cholesky", "svd", "eigh", "eig", "qr", "geqrf", "householder_product"),
        *("schur", "hessenberg", "tridiagonal", "tridiagonal_solve", "triangular_solve"),
    ]
)
