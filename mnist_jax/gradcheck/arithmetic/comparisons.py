"""Comparisons of balls, and functions that need comparisons."""

import operator
from collections.abc import Callable
from typing import Any

from flint import arb, ctx


class Undecided(Exception):  # noqa: N818 - leads to a higher precision, not to an error
    """A comparison of numbers whose balls overlap; the message names the comparison."""


def _decided(name: str) -> Callable[[Any, Any], bool]:
    compare = getattr(operator, name)

    def one(a: Any, b: Any) -> bool:
        if a is b:
            return compare(0, 0)
        if a.overlaps(b) and not (a.is_exact() and b.is_exact()):
            raise Undecided(f"a comparison ({name}) of numbers that are equal to {ctx.prec} bits")
        return bool(compare(a, b))

    return one


COMPARISONS = {name: _decided(name) for name in ("lt", "le", "gt", "ge", "eq", "ne")}
"""Functions of two balls that raise `Undecided` if the balls overlap."""
ZERO = arb(0)


class Key:
    """A ball that NumPy can sort; an uncertain order raises `Undecided`."""

    def __init__(self, ball: arb) -> None:
        self.ball = ball

    def __lt__(self, other: "Key") -> bool:
        return COMPARISONS["lt"](self.ball, other.ball)

    def __gt__(self, other: "Key") -> bool:
        return COMPARISONS["gt"](self.ball, other.ball)


def larger(a: arb, b: arb) -> arb:
    """Return the larger ball, or a ball around both if undecided."""
    return a if a is b or a >= b else b if b >= a else a.max(b)


def smaller(a: arb, b: arb) -> arb:
    """Return the smaller ball, or a ball around both if undecided."""
    return a if a is b or a <= b else b if b <= a else a.min(b)


def sign(x: arb) -> arb:
    """Return -1, 0 or 1."""
    return arb(COMPARISONS["gt"](x, ZERO) - COMPARISONS["lt"](x, ZERO))


def integer(ball: arb) -> arb:
    """Return a ball that is known to be one integer."""
    if not ball.is_exact():
        raise Undecided(f"rounding to an integer of a number that is one to {ctx.prec} bits")
    return ball


def truncated(x: arb) -> arb:
    """Round towards zero."""
    return integer(x.floor()) if COMPARISONS["ge"](x, ZERO) else integer(x.ceil())


def rounded(x: arb, rounding_method: Any) -> arb:
    """Round to the nearest integer; ties away from zero (method 0) or to even."""
    if int(rounding_method) == 0:
        return sign(x) * integer((abs(x) + 0.5).floor())
    up = integer((x + 0.5).floor())
    odd = up / 2 != (up / 2).floor()
    return up - 1 if odd and COMPARISONS["eq"](up - x, arb(0.5)) else up


def is_finite(x: arb) -> bool:
    """Return whether a number is finite; raise `Undecided` for an unbounded ball."""
    if x.is_finite():
        return True
    if x.is_exact():
        return False
    raise Undecided(f"a number that is not known to be finite with {ctx.prec} bits")
