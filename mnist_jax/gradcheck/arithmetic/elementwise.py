"""Functions of single numbers: of floats in NumPy, and of balls.

Both arithmetics take their elementwise operations from one table. The functions of NumPy and SciPy
that a hand-written gradient may call on balls are named here too.
"""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from mnist_jax.gradcheck.arithmetic.comparisons import (
    COMPARISONS,
    ZERO,
    integer,
    is_finite,
    larger,
    sign,
    smaller,
    truncated,
)

Function = Callable[..., Any]


class Elementwise(NamedTuple):
    """A function of one or more numbers.

    Attributes:
        balls: Function of single balls.
        floats: Function of arrays of floats: a ufunc, or the name of one in `scipy.special`; None
            if JAX evaluates it.
        operands: Number of operands.
    """

    balls: Function
    floats: Any = None
    operands: int = 1


def _log(x: arb) -> arb:
    return arb("-inf") if x == 0 else x.log()


def _power(x: arb, y: Any) -> arb:
    return x ** (y if isinstance(y, arb) else int(y))


def _lgamma(x: arb) -> arb:
    return abs(x.gamma()).log() if x < 0 else x.lgamma()


def _polygamma(order: arb, x: arb) -> arb:
    if order == 0:
        return x.digamma()
    return (-1) ** (int(float(order)) + 1) * (order + 1).gamma() * (order + 1).zeta(x)


def _is_nan(x: arb) -> bool:
    is_finite(x)  # an unbounded ball is undecided
    return False


def _normal_cdf(x: arb) -> arb:
    return (-x / arb(2).sqrt()).erfc() / 2


def _x_log(x: arb, y: arb) -> arb:
    return arb(0) if x == 0 else x * y.log()


ELEMENTWISE: dict[str, Elementwise] = {
    "neg": Elementwise(operator.neg, np.negative),
    "abs": Elementwise(operator.abs, np.abs),
    "sign": Elementwise(sign, np.sign),
    "floor": Elementwise(lambda x: integer(x.floor()), np.floor),
    "ceil": Elementwise(lambda x: integer(x.ceil()), np.ceil),
    "is_finite": Elementwise(is_finite, np.isfinite),
    "square": Elementwise(lambda x: x**2, np.square),
    "one_minus_square": Elementwise(lambda x: 1 - x**2, lambda x, **_: (1 - x) * (1 + x)),
    "sqrt": Elementwise(arb.sqrt, np.sqrt),
    "rsqrt": Elementwise(arb.rsqrt, lambda x, **_: 1 / np.sqrt(x)),
    "cbrt": Elementwise(lambda x: x if x == 0 else x.root(3) if x > 0 else -(-x).root(3), np.cbrt),
    "exp": Elementwise(arb.exp, np.exp),
    "exp2": Elementwise(lambda x: arb(2) ** x, np.exp2),
    "expm1": Elementwise(arb.expm1, np.expm1),
    "log": Elementwise(_log, np.log),
    "log1p": Elementwise(arb.log1p, np.log1p),
    "log2": Elementwise(lambda x: _log(x) / arb(2).log(), np.log2),
    "sin": Elementwise(arb.sin, np.sin),
    "cos": Elementwise(arb.cos, np.cos),
    "tan": Elementwise(arb.tan, np.tan),
    "asin": Elementwise(arb.asin, np.arcsin),
    "acos": Elementwise(arb.acos, np.arccos),
    "atan": Elementwise(arb.atan, np.arctan),
    "sinh": Elementwise(arb.sinh, np.sinh),
    "cosh": Elementwise(arb.cosh, np.cosh),
    "tanh": Elementwise(arb.tanh, np.tanh),
    "asinh": Elementwise(arb.asinh, np.arcsinh),
    "acosh": Elementwise(arb.acosh, np.arccosh),
    "atanh": Elementwise(arb.atanh, np.arctanh),
    "logistic": Elementwise(lambda x: 1 / (1 + (-x).exp()), "expit"),
    "erf": Elementwise(arb.erf, "erf"),
    "erfc": Elementwise(arb.erfc, "erfc"),
    "add": Elementwise(operator.add, np.add, 2),
    "add_any": Elementwise(operator.add, np.add, 2),
    "sub": Elementwise(operator.sub, np.subtract, 2),
    "mul": Elementwise(operator.mul, np.multiply, 2),
    "div": Elementwise(operator.truediv, np.divide, 2),
    "rem": Elementwise(lambda a, b: a - b * truncated(a / b), np.fmod, 2),
    "pow": Elementwise(_power, np.power, 2),
    "atan2": Elementwise(arb.atan2, np.arctan2, 2),
    "max": Elementwise(larger, np.maximum, 2),
    "min": Elementwise(smaller, np.minimum, 2),
    "eq": Elementwise(COMPARISONS["eq"], np.equal, 2),
    "ne": Elementwise(COMPARISONS["ne"], np.not_equal, 2),
    "lt": Elementwise(COMPARISONS["lt"], np.less, 2),
    "le": Elementwise(COMPARISONS["le"], np.less_equal, 2),
    "gt": Elementwise(COMPARISONS["gt"], np.greater, 2),
    "ge": Elementwise(COMPARISONS["ge"], np.greater_equal, 2),
}
"""Functions by the name of the JAX operation."""

SPECIAL: dict[str, Elementwise] = {
    "lgamma": Elementwise(_lgamma, "gammaln"),
    "digamma": Elementwise(arb.digamma, "psi"),
    "polygamma": Elementwise(_polygamma, None, 2),
    "zeta": Elementwise(lambda s, a: s.zeta(a), None, 2),
    "erf_inv": Elementwise(lambda x: arb("inf") * x if abs(x) == 1 else x.erfinv()),
    "igamma": Elementwise(
        lambda a, x: arb(0) if x == 0 else x.gamma_lower(a, regularized=1), None, 2
    ),
    "igammac": Elementwise(
        lambda a, x: arb(1) if x == 0 else x.gamma_upper(a, regularized=1), None, 2
    ),
    "regularized_incomplete_beta": Elementwise(
        lambda a, b, x: x.beta_lower(a, b, regularized=1), None, 3
    ),
    "bessel_i0e": Elementwise(lambda x: abs(x).bessel_i(0, scaled=True)),
    "bessel_i1e": Elementwise(lambda x: x.bessel_i(1) * (-abs(x)).exp()),
}
"""Special functions, whose error in floats is absolute where the result is smaller than 1."""

UFUNCS: dict[str, Elementwise] = {
    **{
        str(getattr(each.floats, "__name__", each.floats)): each
        for each in (*ELEMENTWISE.values(), *SPECIAL.values())
        if isinstance(each.floats, np.ufunc | str)
    },
    "positive": Elementwise(lambda x: x),
    "conjugate": Elementwise(lambda x: x),
    "fabs": Elementwise(abs),
    "reciprocal": Elementwise(lambda x: 1 / x),
    "log10": Elementwise(lambda x: _log(x) / arb(10).log()),
    "isnan": Elementwise(_is_nan),
    "isinf": Elementwise(lambda x: not is_finite(x)),
    "float_power": Elementwise(_power, None, 2),
    "fmax": Elementwise(larger, None, 2),
    "fmin": Elementwise(smaller, None, 2),
    "hypot": Elementwise(lambda a, b: (a**2 + b**2).sqrt(), None, 2),
    "logaddexp": Elementwise(lambda a, b: (a.exp() + b.exp()).log(), None, 2),
    "heaviside": Elementwise(lambda x, at_zero: at_zero if x == 0 else arb(x > ZERO), None, 2),
    "gamma": Elementwise(arb.gamma),
    "_zeta": SPECIAL["zeta"],
    "erfinv": SPECIAL["erf_inv"],
    "gammainc": SPECIAL["igamma"],
    "gammaincc": SPECIAL["igammac"],
    "betainc": SPECIAL["regularized_incomplete_beta"],
    "betaln": Elementwise(lambda a, b: _lgamma(a) + _lgamma(b) - _lgamma(a + b), None, 2),
    "i0": Elementwise(lambda x: x.bessel_i(0)),
    "i1": Elementwise(lambda x: x.bessel_i(1)),
    "i0e": SPECIAL["bessel_i0e"],
    "i1e": SPECIAL["bessel_i1e"],
    "ndtr": Elementwise(_normal_cdf),
    "log_ndtr": Elementwise(lambda x: _normal_cdf(x).log()),
    "xlogy": Elementwise(_x_log, None, 2),
    "xlog1py": Elementwise(lambda x, y: _x_log(x, 1 + y), None, 2),
    "entr": Elementwise(lambda x: -_x_log(x, x)),
    "rel_entr": Elementwise(lambda x, y: _x_log(x, x / y), None, 2),
    "log_expit": Elementwise(lambda x: -(1 + (-x).exp()).log()),
    "logit": Elementwise(lambda x: (x / (1 - x)).log()),
}
"""Functions by the name of the ufunc of NumPy or SciPy."""


def of_scipy(name: str) -> Function:
    """Return a special function of SciPy, which is imported at its first use: that is slow."""

    def function(x: np.ndarray, **_: Any) -> np.ndarray:
        import scipy.special

        return np.asarray(getattr(scipy.special, name)(x))

    return function


def of_balls(function: Function, operands: int = 1) -> Function:
    """Make a function of balls elementwise."""
    mapped = np.frompyfunc(function, operands, 1)
    return lambda *arrays, **_: np.asarray(mapped(*arrays))


FLOATS = {
    name: of_scipy(each.floats) if isinstance(each.floats, str) else each.floats
    for name, each in (ELEMENTWISE | SPECIAL).items()
    if each.floats is not None
}
"""Functions of arrays of floats by the name of the JAX operation."""
BALLS = {
    # NumPy itself calls the operators of objects, which is faster
    name: each.floats
    if each.balls in vars(operator).values()
    else of_balls(each.balls, each.operands)
    for name, each in (ELEMENTWISE | SPECIAL).items()
}
"""Functions of arrays of balls by the name of the JAX operation."""
