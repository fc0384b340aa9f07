r"""Monte Carlo arithmetic: estimates rounding errors by random rounding.

The operations of a traced function are evaluated in float64. The result of each operation gets a
random relative error of one unit of roundoff u, and a random absolute error of the smallest normal
number $\eta$, below which digits are lost:
$\mathrm{fl}(a \circ b) = (a \circ b)(1 + u \xi) + \eta \xi$.
The spread of a few such evaluations estimates the rounding error of each coordinate of the result.
It includes the cancellation and the conditioning of the computation, and does not depend on the
number of coordinates.

The terms of a sum of n terms are perturbed by $\sqrt{n} u$, because the rounding errors of n
additions grow at that rate (Higham and Mary, 2019). One part of the error is independent for each
term; another part is common to all terms, as for terms of the same sign that are summed from left
to right.

The two terms of an addition are perturbed too, independently at each use, and in proportion to the
largest number that they were summed from. The reason is that a compiler may recompute a term where
it is used, and contract a product and a sum. In $z - \max z$, for example, a product z may be
rounded at one use and not at the other; then the difference is u z where it would be zero in exact
arithmetic.

A factorization computes the exact result for a slightly perturbed matrix (Wilkinson), so its
operand is perturbed by $\sqrt{n} u \max |A|$. The perturbation reveals the effect of the condition
number.

References:
    D. S. Parker, "Monte Carlo arithmetic", 1997.
    N. J. Higham, T. Mary, "A new approach to probabilistic rounding error analysis", 2019.
    J. H. Wilkinson, "Rounding Errors in Algebraic Processes", 1963.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax.compat import Literal
from mnist_jax.gradcheck.arithmetic.cost import summed_terms
from mnist_jax.gradcheck.arithmetic.floats import (
    CONDITIONED,
    EXACT,
    OF_INTEGERS,
    OPERATIONS,
    SPECIAL,
    WHOLE,
)
from mnist_jax.gradcheck.arithmetic.interpreter import Arithmetic
from mnist_jax.gradcheck.arithmetic.structure import STRUCTURE, apply, bind, is_floating
from mnist_jax.gradcheck.tuning import NOISY_ITERATIONS, SPECIAL_ERROR

# size of a table of random numbers that is reused, since drawing numbers is as slow as the
# operations, and number of values that are perturbed at once, so that they stay in the cache
TABLE, CHUNK = 1 << 18, 1 << 15


class Rounding(Arithmetic):
    """Arithmetic of float64 numbers with random rounding.

    Args:
        amplified: Factor of the noise over roundoff; 0 for no noise.
        seed: Seed for drawing the noise.
    """

    def __init__(self, amplified: float, seed: int = 0) -> None:
        self.amplified, self.limit = amplified, NOISY_ITERATIONS if amplified else None
        table = np.random.default_rng(seed).uniform(-1, 1, TABLE if amplified else 0)
        self.table = np.concatenate([table, table])  # for sections that begin anywhere
        self.starts = np.random.default_rng(0)
        # for each result of an addition, the largest number in the sum
        self.largest: dict[Any, np.ndarray] = {}

    def data(self, value: Any) -> Any:
        """Convert floating arrays to float64, or complex128, without perturbation."""
        if jnp.issubdtype(value.dtype, jax.dtypes.extended):
            return value
        array = np.asarray(value)
        return array.astype(_widest(array.dtype), copy=False)

    def constant(self, value: Any) -> Any:
        """Convert a constant without perturbation."""
        return self.data(np.asarray(value))

    def operation(self, equation: Any, operands: list[Any]) -> list[Any]:
        """Evaluate an operation and perturb its results."""
        name = equation.primitive.name
        floating = any(is_floating(x) for x in operands)
        roundoff = max(_roundoff(v.aval.dtype, self.amplified) for v in equation.outvars)
        whole = floating and name in WHOLE and all(map(_is_whole, operands))
        if floating and self.amplified and not whole:
            operands = self.terms(equation, operands, roundoff)
        function = (OPERATIONS if floating else OF_INTEGERS).get(name)
        complexes = name not in STRUCTURE and any(map(np.iscomplexobj, operands))
        if complexes or any(jnp.issubdtype(x.dtype, jax.dtypes.extended) for x in operands):
            function = None  # not all functions of the tables take complex numbers or random keys
        if name in ("convert_element_type", "reduce_precision"):  # does not round between floats
            dtype = _widest(equation.outvars[0].aval.dtype)
            results = [(operands[0] if dtype is np.complex128 else operands[0].real).astype(dtype)]
            given = _roundoff(equation.invars[0].aval.dtype, self.amplified)
            exact = len(operands) > 1 or roundoff <= given or not floating
        else:
            results = apply(function, equation, operands) if function else bind(equation, operands)
            exact = name in EXACT or not floating or whole
        results = [self.data(x) for x in results]
        if exact:
            return results
        if name in SPECIAL:
            sizes = ((x, SPECIAL_ERROR * np.maximum(abs(x), 1)) for x in results)
            return [self.perturb(x, roundoff, size, zeros=True) for x, size in sizes]
        return [self.perturb(x, roundoff) for x in results]

    def terms(self, equation: Any, operands: list[Any], roundoff: "Roundoff") -> list[Any]:
        """Perturb the operands by the rounding error inside an operation."""
        name = equation.primitive.name
        if name in {"add", "sub"}:
            pairs = list(zip(operands, map(self.size, equation.invars, operands), strict=True))
            self.largest[equation.outvars[0]] = np.maximum(pairs[0][1], pairs[1][1])
            return [self.perturb(x, roundoff, size) for x, size in pairs]
        if name in CONDITIONED:
            matrix, *others = operands
            order = matrix.shape[-1]
            if name == "triangular_solve":  # zeros of a triangular matrix remain zero
                return [self.perturb(matrix, roundoff, terms=order), *others]
            size = np.max(np.abs(matrix), initial=0.0)
            return [self.perturb(matrix, roundoff, size, terms=order, zeros=True), *others]
        if name == "polynomial":  # as good as exact for coefficients a little off
            x, *coefficients = operands
            errors = [2 * power + 1 for power in range(len(coefficients))]
            pairs = zip(coefficients, errors, strict=True)
            return [x, *(self.perturb(c, roundoff, terms=n, zeros=True) for c, n in pairs)]
        terms = summed_terms(equation)
        if terms > 1:
            # perturbing either factor of a product is equivalent; the smaller one is cheaper
            smaller = min(range(len(operands)), key=lambda i: operands[i].size)
            operands[smaller] = self.perturb(operands[smaller], roundoff, terms=terms)
        return operands

    def size(self, variable: Any, values: Any) -> Any:
        """Return the magnitude that the error of a term is relative to."""
        known = None if isinstance(variable, Literal) else self.largest.get(variable)
        return np.abs(values) if known is None else known

    def perturb(
        self,
        values: Any,
        roundoff: "Roundoff",
        size: Any = None,
        *,
        terms: int = 1,
        zeros: bool = False,
    ) -> Any:
        """Perturb values by one unit of roundoff, or by the error of a sum, relative to a size.

        Exact zeros are not perturbed unless `zeros`, since they are structural.
        """
        if values.size == 0 or not roundoff.unit or not is_floating(values):
            return values
        if np.iscomplexobj(values):
            size = np.abs(values) if size is None else size
            parts = values.real, values.imag
            real, imag = (self.perturb(x, roundoff, size, terms=terms, zeros=zeros) for x in parts)
            return np.asarray(real + 1j * imag)
        if values.ndim == 0 and float(values).is_integer() and not zeros:
            return values  # a count or an order, such as 2 + 1
        noise = self.noise(values.size)
        if terms > 1:
            noise = noise + self.noise(1)[0]
        moved = np.array(values, order="C")
        flat = moved.reshape(-1)
        sizes = flat if size is None else np.ravel(size)
        for start in range(0, flat.size, CHUNK):
            part = flat[start : start + CHUNK]
            random = noise[start % TABLE :][: part.size]
            step = random * (math.sqrt(terms) * roundoff.unit)
            step *= sizes[start : start + CHUNK] if sizes.size > 1 else sizes
            step += part
            step += roundoff.smallest * random
            changed = np.isfinite(step) if zeros else np.isfinite(step) & (part != 0)
            np.copyto(part, step, where=changed)
        return moved

    def noise(self, size: int) -> np.ndarray:
        """Return random numbers from the table, which are repeated in a larger array."""
        start = int(self.starts.integers(TABLE))
        return self.table[start : start + min(size, TABLE)]


class Roundoff(NamedTuple):
    """The unit of roundoff of a precision, and its smallest normal number."""

    unit: float
    smallest: float


@functools.cache
def _roundoff(dtype: Any, amplified: float) -> Roundoff:
    if not jnp.issubdtype(dtype, jnp.inexact):
        return Roundoff(0.0, 0.0)
    info = jnp.finfo(dtype)
    return Roundoff(amplified * float(info.eps) / 2, amplified * float(info.tiny))


def _is_whole(values: Any) -> bool:
    """Return whether all numbers are whole, with products that float32 holds."""
    first = values.flat[:1]  # tells most arrays
    if not np.array_equal(first, np.rint(first)):
        return False
    return bool(np.all((values == np.rint(values)) & (np.abs(values) <= 2**12)))


def _widest(dtype: Any) -> Any:
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return np.complex128
    return np.float64 if dtype.kind == "O" or jnp.issubdtype(dtype, jnp.floating) else dtype
