"""Common mistakes in gradients, and regular expressions for their names."""

from collections.abc import Callable, Hashable
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


def after(wrong: str, change: Callable[[Any], Any], named: str, never: str = NEVER) -> Mistake:
    """Makes a mistake that changes the correct gradient, a pytree."""

    def of(gradient: Gradient) -> Gradient:
        return lambda *arguments: change(gradient(*arguments))

    return Mistake(wrong, of, named, never)


def instead(wrong: str, gradient: Gradient, named: str, never: str = NEVER) -> Mistake:
    """Makes a mistake that replaces the correct gradient by another."""
    return Mistake(wrong, lambda _: gradient, named, never)


def scaled(wrong: str, factor: float, named: str) -> Mistake:
    """Makes the mistake of a wrong factor."""
    return after(wrong, lambda g: jax.tree.map(lambda leaf: leaf * factor, g), named)


def sign() -> Mistake:
    """Makes the mistake of a wrong sign, such as a score in place of the gradient of a loss."""
    never = NEVER + r"|(?<![\d.-])2 times|\bsum(s|med)?\b"
    change = lambda g: jax.tree.map(lambda leaf: -leaf, g)  # noqa: E731
    return after("the sign", change, SIGN, never)


def twice() -> Mistake:
    """Makes the mistake of a factor of 2."""
    return scaled("a factor of 2", 2.0, TWICE)


def half() -> Mistake:
    """Makes the mistake of a factor of 1/2."""
    return scaled("a factor of 1/2", 0.5, HALF)


def sum_for_mean(count: int) -> Mistake:
    """Makes the mistake of a sum over examples where the loss takes a mean."""
    return scaled(f"the sum of {count} examples for their mean", float(count), summed(count))


def mean_for_sum(count: int) -> Mistake:
    """Makes the mistake of a mean over examples where the loss takes a sum."""
    return scaled(f"the mean of {count} examples for their sum", 1 / count, averaged(count))


def coordinate(*index: int, leaf: Hashable = None) -> Mistake:
    """Makes the mistake of one coordinate that is off by a thousandth."""
    change = at(lambda g: times_at(g, index, 1.001), leaf)
    never = NEVER + r"|[Tt]he whole gradient|summed|(?<![\d.-])2 times"
    return after(f"a thousandth at {list(index)}", change, place(*index), never)


def zeroed(wrong: str, index: Any, named: str, leaf: Hashable = None) -> Mistake:
    """Makes the mistake of coordinates that remain zero."""
    return after(wrong, at(lambda g: times_at(g, index, 0.0), leaf), named)


def leaf_scaled(wrong: str, leaf: Hashable, factor: float, named: str) -> Mistake:
    """Makes the mistake of a wrong factor in one leaf."""
    return after(wrong, at(lambda g: g * factor, leaf), named)


def exchanged(wrong: str, one: Hashable, other: Hashable, named: str) -> Mistake:
    """Makes the mistake of two exchanged leaves of the same shape."""

    def change(g: Any) -> Any:
        leaves: dict[Hashable, Any] = dict(enumerate(g) if isinstance(g, tuple) else g.items())
        leaves[one], leaves[other] = leaves[other], leaves[one]
        return tuple(leaves.values()) if isinstance(g, tuple) else leaves

    return after(wrong, change, named)


def in_float32() -> Mistake:
    """Makes the mistake of rounding the result to float32."""

    def change(g: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf.astype("float32").astype(leaf.dtype), g)

    return after("float32 inside", change, FLOAT32)


def at(change: Callable[[Any], Any], leaf: Hashable) -> Callable[[Any], Any]:
    """Applies a change to one leaf of a dict or tuple, or to the whole array for None."""
    if leaf is None:
        return change

    def changed(g: Any) -> Any:
        if isinstance(g, tuple):
            return tuple(change(each) if i == leaf else each for i, each in enumerate(g))
        return {**g, leaf: change(g[leaf])}

    return changed


def times_at(g: Any, index: Any, factor: float) -> Any:
    """Multiplies a NumPy or JAX array by a factor at an index."""
    factors = np.ones(np.shape(g), g.dtype)
    factors[index] = factor
    return g * factors
