"""Evaluates NumPy functions on arrays of balls.

On an array of objects, NumPy's functions call operators and methods of the entries, such as `exp`
for `np.exp`. The entries are instances of `Number`; a float that is combined with one stands for
the number that the code states.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.balls import PER_PRODUCT, TooLong, cube_root, matmul
from mnist_jax.gradcheck.arithmetic.comparisons import COMPARISONS, Undecided
from mnist_jax.gradcheck.arithmetic.exact import as_objects, as_written
from mnist_jax.gradcheck.arithmetic.interpreter import Unsupported


class Number:
    """A ball with the operators and methods that NumPy calls.

    Args:
        ball: Value of the number.
        check: Function that is called before each operation with its duration in seconds, and
            raises if the deadline would be exceeded.
    """

    def __init__(self, ball: arb, check: Callable[[float], None]) -> None:
        self.ball, self.check = ball, check

    def __abs__(self) -> "Number":
        return Number(abs(self.ball), self.check)

    def __neg__(self) -> "Number":
        return Number(-self.ball, self.check)

    def __pos__(self) -> "Number":
        return self

    def conjugate(self) -> "Number":
        """Return the number, since it is real."""
        return self

    def __float__(self) -> float:
        raise Unsupported("a NumPy function that computes with floats has no ball arithmetic")


def ball_of(value: Any) -> arb:
    """Return the ball of a number, or of a constant as written."""
    if isinstance(value, Number):
        return value.ball
    if isinstance(value, float | np.floating):
        return as_written(float(value), float(np.finfo(type(value)).eps))
    return arb(int(value))


def _operator(name: str, function: Callable[[arb, arb], arb]) -> None:
    def forward(self: Number, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        self.check(0.0)
        return Number(function(self.ball, ball_of(other)), self.check)

    def backward(self: Number, other: Any) -> Any:
        return Number(function(ball_of(other), self.ball), self.check)

    setattr(Number, f"__{name}__", forward)
    setattr(Number, f"__r{name}__", backward)


def _method(name: str, function: Callable[[arb], arb]) -> None:
    setattr(Number, name, lambda self: Number(function(self.ball), self.check))


def _comparison(name: str, function: Callable[[arb, arb], bool]) -> None:
    setattr(Number, f"__{name}__", lambda self, other: function(self.ball, ball_of(other)))


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operator(_name, getattr(operator, _name))
for _name, _compare in COMPARISONS.items():
    _comparison(_name, _compare)
for _name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"):
    _method(_name, getattr(arb, _name))
for _name, _other in {
    **{"arcsin": "asin", "arccos": "acos", "arctan": "atan"},
    **{"arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"},
}.items():
    _method(_name, getattr(arb, _other))
_method("exp2", lambda x: arb(2) ** x)
_method("log2", lambda x: x.log() / arb(2).log())
_method("log10", lambda x: x.log() / arb(10).log())
_method("cbrt", cube_root)
_method("square", lambda x: x**2)
_method("reciprocal", lambda x: 1 / x)


class Numbers(np.ndarray):
    """An array of numbers that multiplies matrices with Arb, which is a hundred times as fast."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **how: Any) -> Any:
        """Apply a ufunc to arrays of this class."""
        plain = [np.asarray(x) if isinstance(x, Numbers) else x for x in inputs]
        if "out" in how:
            how["out"] = tuple(np.asarray(x) for x in how["out"])
        if ufunc is np.matmul and not how and all(np.ndim(x) == 2 for x in plain):
            first = next(x for x in plain if x.dtype == object).flat[0]
            return _product(plain[0], plain[1], first.check).view(Numbers)
        result = getattr(ufunc, method)(*plain, **how)
        return result.view(Numbers) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, inputs: Any, how: Any) -> Any:
        """Apply another NumPy function; `dot` of matrices is their product."""
        if function is np.dot and not how and all(np.ndim(x) == 2 for x in inputs):
            return np.matmul(*inputs)
        return super().__array_function__(function, types, inputs, how)


def _product(a: np.ndarray, b: np.ndarray, check: Callable[[float], None]) -> np.ndarray:
    check(PER_PRODUCT * a.size * b.shape[1])
    balls = [as_objects(map(ball_of, x.ravel().tolist()), (1, *x.shape)) for x in (a, b)]
    numbers = np.frompyfunc(lambda ball: Number(ball, check), 1, 1)(matmul(*balls)[0])
    return np.asarray(numbers, object)


def call(
    function: Callable[..., Any],
    arguments: Sequence[np.ndarray],
    check: Callable[[float], None] = lambda seconds: None,
) -> list[np.ndarray]:
    """Call a function of NumPy arrays with balls.

    Args:
        function: Function from arrays to a sequence of arrays.
        arguments: Arrays of balls, integers or booleans.
        check: Function that is called before each operation with its duration in seconds, and
            raises if the deadline would be exceeded.

    Returns:
        Arrays of balls.

    Raises:
        Unsupported: If the function needs an operation that balls do not support.
    """

    def wrapped(x: np.ndarray) -> np.ndarray:
        if x.dtype != object:
            return x
        numbers = np.frompyfunc(lambda ball: Number(ball, check), 1, 1)(x)
        return np.asarray(numbers, object).view(Numbers)

    try:
        results = [np.asarray(r) for r in function(*map(wrapped, arguments))]
        return [as_objects(map(ball_of, r.ravel().tolist()), r.shape) for r in results]
    except (Unsupported, Undecided, TooLong):
        raise
    except Exception as error:  # a user's function may raise anything on objects
        raise Unsupported(f"the gradient, evaluated on balls with NumPy: {error}") from error
