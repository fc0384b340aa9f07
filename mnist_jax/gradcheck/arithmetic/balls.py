"""Ball arithmetic: each number is an interval that provably contains the true value.

The arithmetic is that of Arb, through python-flint: numbers with any number of bits, and a bound on
their rounding error. `structure` has the operations that only move numbers.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, arb_mat, ctx

from mnist_jax.gradcheck.arithmetic import elementwise, factorizations
from mnist_jax.gradcheck.arithmetic.combining import (
    arranged,
    convolution,
    ordering,
    polynomial,
    reductions,
)
from mnist_jax.gradcheck.arithmetic.comparisons import (
    ZERO,
    Key,
    larger,
    rounded,
    smaller,
    truncated,
)
from mnist_jax.gradcheck.arithmetic.elementwise import of_balls
from mnist_jax.gradcheck.arithmetic.exact import as_objects, as_written, exactly, is_written, moved
from mnist_jax.gradcheck.arithmetic.interpreter import Arithmetic, Unsupported
from mnist_jax.gradcheck.arithmetic.structure import INTEGERS, STRUCTURE, apply, bind, is_floating

# measured time of an operation on a number, and of one in a product of matrices, in seconds
PER_NUMBER, PER_PRODUCT = 1e-6, 1e-7


class TooLong(Exception):  # noqa: N818 - leads to a verdict, not to an error
    """An evaluation would exceed its time limit."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Set the number of bits of ball arithmetic, in a context."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def _bits(x: np.ndarray, new_dtype: Any) -> np.ndarray:
    floats, others = (
        np.asarray(np.frompyfunc(end, 1, 1)(x), np.float64) for end in (arb.lower, arb.upper)
    )
    if new_dtype not in (np.int64, np.uint64) or (floats != others).any():
        raise Unsupported("bitcast_convert_type of numbers that are no float64")
    return floats.view(new_dtype)


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply stacks of matrices of balls."""
    (stack, rows, inner), columns = a.shape, b.shape[2]
    if not inner or not a.size or not b.size:
        return as_objects([arb(0)] * (stack * rows * columns), (stack, rows, columns))
    pairs = zip(a.reshape(stack, -1).tolist(), b.reshape(stack, -1).tolist(), strict=True)
    products = [arb_mat(rows, inner, x) * arb_mat(inner, columns, y) for x, y in pairs]
    entries = [entry for product in products for entry in product.entries()]
    return as_objects(entries, (stack, rows, columns))


LARGER, SMALLER = np.frompyfunc(larger, 2, 1), np.frompyfunc(smaller, 2, 1)
IDENTITY = ("reduce_precision", "convert_element_type", "real", "conj")
OPERATIONS: dict[str, Callable[..., Any]] = {
    **STRUCTURE,
    **ordering(of_balls(Key)),
    **reductions(
        {
            "sum": (np.add, ZERO),
            "prod": (np.multiply, arb(1)),
            "max": (LARGER, arb("-inf")),
            "min": (SMALLER, arb("inf")),
        }
    ),
    **elementwise.BALLS,
    **factorizations.BALLS,
    "lt_to": elementwise.BALLS["lt"],
    "le_to": elementwise.BALLS["le"],
    "clamp": lambda low, x, high: SMALLER(np.asarray(LARGER(x, low)), high),
    "integer_pow": lambda x, y: of_balls(lambda v: v**y)(x),
    "polynomial": polynomial,
    "round": lambda x, rounding_method: of_balls(lambda v: rounded(v, rounding_method))(x),
    "dot_general": partial(arranged, matmul),
    "conv_general_dilated": partial(convolution, matmul),
    "cumlogsumexp": lambda x, **axis: OPERATIONS["log"](
        OPERATIONS["cumsum"](OPERATIONS["exp"](x), **axis)
    ),
    "bitcast_convert_type": _bits,
}
"""Functions by the name of the JAX operation."""


class Balls(Arithmetic):
    """Ball arithmetic.

    Args:
        draw: Number of the random perturbation of data and constants by their rounding error; 0 for
            no perturbation.
        deadline: Time limit on the clock of `time.thread_time`, which does not count other
            processes.
        eps: Least relative size of a unit in the last place of perturbed data.
    """

    limit = 0

    def __init__(self, draw: int = 0, deadline: float = float("inf"), eps: float = 0.0) -> None:
        self.draw, self.deadline, self.eps = draw, deadline, eps
        # converted data by the identity of the original; comparisons recognise identical balls
        self.held: dict[int, tuple[Any, np.ndarray]] = {}
        # operands and results of what has been computed, while several functions share it
        self.done: dict[Any, tuple[Any, Any]] | None = None

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """Compute the same operation on the same arrays only once, in a context."""
        self.done = {}
        try:
            yield
        finally:
            self.done = None

    def data(self, value: Any) -> Any:
        """Convert data once, so that comparisons recognise the same numbers."""
        if id(value) not in self.held:
            self.check(np.size(value) * PER_NUMBER)
            self.held[id(value)] = value, self._converted(value)
        return self.held[id(value)][1]

    def _converted(self, value: Any) -> Any:
        if not jnp.issubdtype(value.dtype, jnp.floating):
            return value if jnp.issubdtype(value.dtype, jax.dtypes.extended) else np.asarray(value)
        value = np.asarray(value)
        return moved(value, self.draw, self.eps) if self.draw else exactly(value)

    def constant(self, value: Any) -> Any:
        """Convert a constant to the number that the code states."""
        if self.done is None:
            return self._constant(value)
        key = np.asarray(value).dtype.str, np.asarray(value).tobytes()
        return self.done.setdefault(key, (None, self._constant(value)))[1]

    def _constant(self, value: Any) -> Any:
        array = np.asarray(value)
        if not is_floating(array) or array.dtype == object:
            return array
        eps = float(jnp.finfo(array.dtype).eps)
        if self.draw and not is_written(float(array), eps):
            return moved(array.astype(np.float64), self.draw)
        return as_objects([as_written(float(array), eps)], ())

    def operation(self, equation: Any, operands: list[Any]) -> list[Any]:
        """Evaluate an operation in balls."""
        if self.done is None:
            return self._operation(equation, operands)
        key = (equation.primitive, str(equation.params), *map(id, operands))
        if key not in self.done:
            self.done[key] = operands, self._operation(equation, operands)
        return self.done[key][1]

    def _operation(self, equation: Any, operands: list[Any]) -> list[Any]:
        name, avals = equation.primitive.name, [v.aval for v in equation.outvars]
        self.check(_seconds(equation))
        if not any(map(is_floating, operands)):
            function = INTEGERS.get(name) or STRUCTURE.get(name)
            results = apply(function, equation, operands) if function else bind(equation, operands)
        elif name in IDENTITY:
            results = [self._identity(operands[0], avals[0].dtype)]
        elif name in OPERATIONS:
            results = apply(OPERATIONS[name], equation, operands)
        else:
            raise Unsupported(f"{name} has no ball arithmetic")
        return [_as(aval, result) for aval, result in zip(avals, results, strict=True)]

    def _identity(self, x: np.ndarray, dtype: Any) -> np.ndarray:
        if jnp.issubdtype(dtype, jnp.floating):
            return x
        if np.issubdtype(dtype, np.bool_):
            return OPERATIONS["ne"](x, ZERO)
        return np.asarray(np.frompyfunc(lambda v: int(float(truncated(v))), 1, 1)(x))

    def check(self, seconds: float) -> None:
        """Raise `TooLong` if work of this duration would end after the deadline."""
        if time.thread_time() + seconds > self.deadline:
            raise TooLong


def _as(aval: Any, result: Any) -> Any:
    """Convert a result to the dtype of the jaxpr: integers, booleans, or balls."""
    if jnp.issubdtype(aval.dtype, jax.dtypes.extended):
        return result
    array = np.asarray(result)
    if array.shape != aval.shape:
        raise Unsupported(f"an operation gave the shape {array.shape}, not {aval.shape}")
    if not jnp.issubdtype(aval.dtype, jnp.floating):
        if jnp.issubdtype(aval.dtype, jnp.complexfloating):
            raise Unsupported("complex numbers have no ball arithmetic")
        return array.astype(aval.dtype, copy=False)
    if array.dtype == object and not set(map(type, array.flat)) <= {arb}:
        # NumPy's sum of an empty array is an integer, on which python-flint's methods crash
        return as_objects(map(arb, array.ravel().tolist()), array.shape)
    return exactly(array)


def _seconds(equation: Any) -> float:
    sizes = [np.prod(v.aval.shape, dtype=float) for v in (*equation.invars, *equation.outvars)]
    if equation.primitive.name == "dot_general":
        return PER_PRODUCT * float(np.sqrt(np.prod(sizes))) * ctx.prec / 128
    return PER_NUMBER * sizes[-1]
