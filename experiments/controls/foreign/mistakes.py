"""Common mistakes in gradients, and regular expressions for their names."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import jax
import numpy as np

from experiments.controls.foreign.entry import NEVER, Gradient, Mistake

SIGN = r"-1 times|\bsign\b|minus|negative of"
TWICE = r"(?<![\d.-])2 times|[Tt]wice|\bdouble|factor of (2|two)"
HALF = r"(?<![\d.-])0\.5 times|\b1/2\b|[Hh]alf|factor of (2|two)"
SHAPE = r"shape|transpose"
TRANSPOSED = r"transpose|exchanged|rearrange|shape"
FLOAT32 = r"float32|single precision|digits|roundoff|rounding"
SHIFTED = r"shift|rolled|previous|neighbou?r|next (example|row)|(label|target)s?.{0,40}order"
WEIGHTS = r"weight|\bs\b|factor of its own|per[- ]example"
PENALTY = r"penalty|penali[sz]|regulari[sz]|multiple of the (weights|parameters)|\bl2\b|times w"
BIAS = r"bias|intercept|(first|last) (coordinate|column|entry)|" + PENALTY
EXCHANGED = r"exchang|swap|each other|gradient is that of"
MASK = (
    r"mask|leaves out the derivative|derivative of (the )?(relu|tanh|sigmoid|activation)|activation"
)


def summed(count: int) -> str:
    """Returns the expression for a sum in place of a mean."""
    return rf"(?<![\d.]){count} (times|\()|factor of {count}\b|\bsum(s|med)?\b.{{0,60}}\bmean\b"


def averaged(count: int) -> str:
    """Returns the expression for a mean in place of a sum."""
    return rf"1/{count}\b|{1 / count:.3g}|divided by {count}\b|factor of {count}\b"


def last(count: int) -> str:
    """Returns the expression for the last example, class, step or coordinate."""
    return rf"\blast\b|\[{count - 1}[\],]|\[-1[\],]|(example|row|class|step) {count - 1}\b"


def place(*index: int) -> str:
    """Returns the expression for an index."""
    return r"\[" + r",\s*".join(map(str, index)) + r"\]"


def instead(wrong: str, gradient: Gradient, named: str = "", never: str = NEVER) -> Mistake:
    """Makes a mistake that replaces the correct gradient by another."""
    return Mistake(wrong, lambda _: gradient, named, never)


def given(wrong: str, named: str = "", **options: Any) -> Mistake:
    """Makes a mistake that an option of the correct gradient introduces."""
    return Mistake(wrong, lambda gradient: partial(gradient, **options), named)


def after(wrong: str, change: Callable[[Any], Any], named: str, never: str = NEVER) -> Mistake:
    """Makes a mistake that changes the correct gradient, a pytree."""
    return Mistake(wrong, lambda gradient: lambda *a: change(gradient(*a)), named, never)


def scaled(
    wrong: str,
    factor: float,
    named: str,
    *,
    at: Any = None,
    leaf: Hashable = None,
    never: str = NEVER,
) -> Mistake:
    """Makes the mistake of a wrong factor.

    Args:
        wrong: Description of the mistake.
        factor: Wrong factor.
        named: Regular expression that matches its name.
        at: Index of the coordinates that have it; None for all of them.
        leaf: Index or key of the leaf that has it; None for the whole gradient.
        never: Regular expression that matches a false statement.
    """

    def change(g: Any) -> Any:
        return g * factor if at is None else times_at(g, at, factor)

    def changed(g: Any) -> Any:
        if leaf is None:
            return jax.tree.map(change, g)
        if isinstance(g, tuple):
            return tuple(change(each) if i == leaf else each for i, each in enumerate(g))
        return {**g, leaf: change(g[leaf])}

    return after(wrong, changed, named, never)


sign = partial(
    *(scaled, "the sign", -1.0, SIGN), never=NEVER + r"|(?<![\d.-])2 times|\bsum(s|med)?\b"
)
"""Makes the mistake of a wrong sign, such as a score in place of the gradient of a loss."""
twice = partial(scaled, "a factor of 2", 2.0, TWICE)
half = partial(scaled, "a factor of 1/2", 0.5, HALF)
in_float32 = partial(
    *(after, "float32 inside", lambda g: g.astype("float32").astype(g.dtype), FLOAT32)
)
"""Makes the mistake of rounding the result to float32."""


def sum_for_mean(count: int) -> Mistake:
    """Makes the mistake of a sum over examples where the loss takes a mean."""
    return scaled("the sum for the mean", count, summed(count))


def mean_for_sum(count: int) -> Mistake:
    """Makes the mistake of a mean over examples where the loss takes a sum."""
    return scaled(f"the mean of {count} examples for their sum", 1 / count, averaged(count))


def coordinate(*index: int, leaf: Hashable = None) -> Mistake:
    """Makes the mistake of one coordinate that is off by a thousandth."""
    never = NEVER + r"|[Tt]he whole gradient|summed|(?<![\d.-])2 times"
    wrong = f"a thousandth at {list(index)}"
    return scaled(wrong, 1.001, place(*index), at=index, leaf=leaf, never=never)


def zeroed(wrong: str, index: Any, named: str) -> Mistake:
    """Makes the mistake of coordinates that remain zero."""
    return scaled(wrong, 0.0, named, at=index)


def exchanged(wrong: str, one: Hashable, other: Hashable) -> Mistake:
    """Makes the mistake of two exchanged leaves of the same shape."""

    def change(g: Any) -> Any:
        leaves: dict[Hashable, Any] = dict(enumerate(g) if isinstance(g, tuple) else g.items())
        leaves[one], leaves[other] = leaves[other], leaves[one]
        return tuple(leaves.values()) if isinstance(g, tuple) else leaves

    return after(wrong, change, EXCHANGED)


def times_at(g: Any, index: Any, factor: float) -> Any:
    """Multiplies a NumPy or JAX array by a factor at an index."""
    factors = np.ones(np.shape(g), g.dtype)
    factors[index] = factor
    return g * factors
