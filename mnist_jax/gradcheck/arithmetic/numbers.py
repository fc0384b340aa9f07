"""Evaluates NumPy functions on arrays of balls.

NumPy's and SciPy's elementwise functions are replaced by those of balls, and so are, for the
function itself, those that make arrays of floats. A float that is combined with a ball stands
for the number that the code states.
"""

import functools
import inspect
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.balls import PER_PRODUCT, TooLong, matmul
from mnist_jax.gradcheck.arithmetic.comparisons import COMPARISONS, Undecided
from mnist_jax.gradcheck.arithmetic.elementwise import UFUNCS, Elementwise
from mnist_jax.gradcheck.arithmetic.exact import as_objects, as_written
from mnist_jax.gradcheck.arithmetic.interpreter import Unsupported
from mnist_jax.gradcheck.closures import captured

Check = Callable[[float], None]


class Number:
    """A ball with the operators and methods that NumPy calls.

    Args:
        ball: Value of the number.
        check: Function that is called before each operation with its duration in seconds, and
            raises if the deadline would be exceeded.
    """

    def __init__(self, ball: arb, check: Check) -> None:
        self.ball, self.check = ball, check

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **how: Any) -> Any:
        """Apply a ufunc to this number and others."""
        return _apply(ufunc, method, inputs, how)

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


def _on_numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*values: Any) -> Any:
        check = next((v.check for v in values if isinstance(v, Number)), lambda seconds: None)
        check(0.0)
        result = function(*map(ball_of, values))
        return Number(result, check) if isinstance(result, arb) else result

    return applied


for _name in ("add", "sub", "mul", "truediv", "pow"):
    _operator(_name, getattr(operator, _name))
for _name in ("abs", "neg", "pos"):
    setattr(Number, f"__{_name}__", _on_numbers(getattr(operator, _name)))
for _name, _compare in COMPARISONS.items():
    setattr(Number, f"__{_name}__", _on_numbers(_compare))
for _name, _each in UFUNCS.items():  # for arrays of objects that are not of the class below
    setattr(Number, _name, _on_numbers(_each.balls))


class Numbers(np.ndarray):
    """An array of numbers that multiplies matrices with Arb, which is a hundred times as fast."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **how: Any) -> Any:
        """Apply a ufunc to arrays of this class."""
        return _apply(ufunc, method, inputs, how)

    def __array_function__(self, function: Any, types: Any, inputs: Any, how: Any) -> Any:
        """Apply another NumPy function; `dot` of matrices is their product."""
        if function is np.dot and not how and all(np.ndim(x) == 2 for x in inputs):
            return np.matmul(*inputs)
        return super().__array_function__(function, types, inputs, how)


def _apply(ufunc: Any, method: str, inputs: Sequence[Any], how: dict[str, Any]) -> Any:
    plain = [_plain(x) for x in inputs]
    if "out" in how:
        how["out"] = tuple(map(_plain, how["out"]))
    if ufunc is np.matmul and not how and all(np.ndim(x) == 2 for x in plain):
        return _product(*plain).view(Numbers)
    function = getattr(ufunc, method)
    if method == "__call__" and ufunc.__name__ in UFUNCS:
        how.pop("dtype", None)
        function = _mapped(UFUNCS[ufunc.__name__])
    result = function(*plain, **how)
    if how.get("out") is not None:
        return result
    result = np.asarray(result)
    if result.dtype == object and all(isinstance(x, bool) for x in result.flat):
        result = result.astype(bool)
    return result.view(Numbers)[()] if result.dtype == object else result[()]


def _plain(x: Any) -> Any:
    if isinstance(x, Numbers):
        return x.view(np.ndarray)
    if isinstance(x, Number):
        return as_objects([x], ())
    return x


@functools.cache
def _mapped(function: Elementwise) -> Any:
    return np.frompyfunc(_on_numbers(function.balls), function.operands, 1)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    check = next(x.flat[0] for x in (a, b) if x.size and isinstance(x.flat[0], Number)).check
    check(PER_PRODUCT * a.size * b.shape[1])
    balls = [as_objects(map(ball_of, x.ravel().tolist()), (1, *x.shape)) for x in (a, b)]
    return as_objects((Number(x, check) for x in matmul(*balls).flat), (len(a), b.shape[1]))


MAKERS = ("zeros", "ones", "empty", "full", "eye", "identity", "zeros_like", "ones_like")
CONVERTERS = ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray")
# libraries whose compiled code reads and writes the memory of the arrays that they make
COMPILED = ("numpy", "scipy", "pandas", "jax")


class _NumPy:
    """NumPy, whose functions make arrays that can hold balls in one thread.

    It replaces NumPy in the modules of a user's functions alone: compiled code, such as that of
    `numpy.random`, writes floats to the memory of its arrays.
    """

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        original = getattr(np, name)
        if threading.get_ident() != self.thread or name not in (*MAKERS, *CONVERTERS):
            return original
        return functools.partial(_made if name in MAKERS else _converted, original)


def _made(original: Callable[..., Any], *given: Any, **how: Any) -> Any:
    result = original(*given, **how)
    return result.astype(object).view(Numbers) if result.dtype.kind in "fO" else result


def _converted(
    original: Callable[..., Any], value: Any, dtype: Any = None, *more: Any, **how: Any
) -> Any:
    floating = np.dtype(dtype).kind in "fO"  # None is float64
    if not _holds_numbers(value) or not floating:
        return original(value, dtype, *more, **how)
    return original(_plain(value), object, *more, **how).view(Numbers)


@contextmanager
def _arrays_of_numbers(function: Callable[..., Any]) -> Iterator[None]:
    """Let a function, and those that it uses, make arrays that can hold balls."""
    plain = inspect.unwrap(function)
    used = [plain, *(value for _, value in captured(plain) if callable(value))]
    modules = {id(names): names for names in map(_globals_of, used) if names is not None}
    ours, places = _NumPy(), []
    for names in modules.values():
        if names.get("__name__", "").partition(".")[0] not in COMPILED:
            places += [(names, name) for name, value in names.items() if value is np]
    try:
        for names, name in places:
            names[name] = ours
        yield
    finally:
        for names, name in places:
            names[name] = np


def _globals_of(function: Any) -> dict[str, Any] | None:
    plain = inspect.unwrap(getattr(function, "func", function))
    code = getattr(plain, "__func__", plain)
    if not hasattr(code, "__globals__"):  # a callable object
        code = type(plain).__call__
    return getattr(code, "__globals__", None)


def _holds_numbers(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_numbers, value))
    return isinstance(value, Number | Numbers)


def call(
    function: Callable[..., Any],
    arguments: Sequence[np.ndarray],
    check: Check = lambda seconds: None,
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
        return as_objects((Number(ball, check) for ball in x.flat), x.shape).view(Numbers)

    given = list(map(wrapped, arguments))
    try:
        with _arrays_of_numbers(function):
            results = function(*given)
        results = [np.asarray(r) for r in results]
        return [as_objects(map(ball_of, r.ravel().tolist()), r.shape) for r in results]
    except (Unsupported, Undecided, TooLong):
        raise
    except Exception as error:  # a user's function may raise anything on objects
        raise Unsupported(f"the gradient, evaluated on balls with NumPy: {error}") from error
