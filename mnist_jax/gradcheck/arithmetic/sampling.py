"""Evaluates a traced function with random rounding, or without rounding."""

import math
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import jax
import numpy as np

from mnist_jax.compat import jaxpr_as_fun
from mnist_jax.gradcheck.arithmetic.cost import PER_OPERATION, cost
from mnist_jax.gradcheck.arithmetic.interpreter import evaluate
from mnist_jax.gradcheck.arithmetic.rounding import Rounding
from mnist_jax.gradcheck.arithmetic.structure import is_floating
from mnist_jax.gradcheck.tuning import BATCHED, FEW, FEWEST, LARGE, SAMPLES, SAMPLING


def samples(
    closed: Any,
    arguments: Sequence[Any],
    *,
    amplified: float = 1.0,
    count: int = SAMPLES,
    seed: int = 0,
) -> list[np.ndarray]:
    """Evaluate a traced function several times with random rounding.

    Args:
        closed: Jaxpr. Each operation rounds in the precision of its result in the jaxpr.
        arguments: Arrays, assumed to be exact.
        amplified: Factor of the noise over roundoff.
        count: Number S of evaluations; reduced if they would exceed the time limit.
        seed: Seed for drawing the noise.

    Returns:
        The results, each stacked along a leading axis, in float64.

    Example:
        >>> with jax.enable_x64(False):  # the difference loses the digits of a small x
        ...     traced = jax.make_jaxpr(lambda x: (1 + x) - 1)(1e-6)
        >>> (results,) = samples(traced, [np.array(1e-6)])
        >>> bool(1e-8 < np.std(results) < 1e-7)
        True
    """
    operations, seconds = cost(closed)
    count = int(np.clip(SAMPLING / max(seconds, PER_OPERATION), min(FEWEST, count), count))
    if max(math.prod(v.shape) for v in closed.out_avals) >= LARGE:
        count = min(count, FEW)
    given, rounding = _widened(arguments), Rounding(amplified, seed)
    with np.errstate(all="ignore"):
        if count > 1 and operations > BATCHED and seconds < 2 * operations * PER_OPERATION:
            together = [np.repeat(x[None], count, axis=0) for x in given]
            return evaluate(_at_once(closed, count), together, rounding)
        evaluations = [evaluate(closed, given, rounding) for _ in range(count)]
    return [np.stack(results) for results in zip(*evaluations, strict=True)]


def unrounded(closed: Any, arguments: Sequence[Any]) -> list[np.ndarray]:
    """Evaluate a traced function of any precision in float64, operation by operation."""
    with np.errstate(all="ignore"):
        return evaluate(closed, _widened(arguments), Rounding(0.0))


def _widened(arguments: Sequence[Any]) -> list[Any]:
    return [np.asarray(x, np.float64) if is_floating(x) else x for x in arguments]


def _at_once(closed: Any, count: int) -> Any:
    known = BATCHES.setdefault(closed, {})
    if count not in known:
        shapes = [jax.ShapeDtypeStruct((count, *v.shape), v.dtype) for v in closed.in_avals]
        with jax.enable_x64(True):
            known[count] = jax.make_jaxpr(jax.vmap(jaxpr_as_fun(closed)))(*shapes)
    return known[count]


BATCHES: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()
"""Batched jaxprs of a function by the number of samples, kept while the function is."""
