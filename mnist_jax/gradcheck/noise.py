"""Standard deviations of the rounding errors at one point, from random rounding."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from mnist_jax.gradcheck.arithmetic.sampling import samples, unrounded
from mnist_jax.gradcheck.directions import number_of, slopes
from mnist_jax.gradcheck.functions import Traced
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Plain, Program, Programs, Returns
from mnist_jax.gradcheck.tuning import AMPLIFIED, BLOCK, LARGE, RAISED, ROUNDED_DATA

# number of coordinates that are handled at once, so that they stay in the cache
CHUNK = 1 << 13


class Deviation(NamedTuple):
    """Standard deviations from rounding.

    Attributes:
        loss: Deviation of the loss.
        hand: Deviation of the hand-written gradient.
        reverse: Deviation of autodiff's gradient; None if there is none.
        slopes: Deviations of the slopes of the hand-written gradient along each direction.
        forward: Deviations of the slopes of autodiff's gradient.
    """

    loss: float
    hand: PyTree[np.ndarray]
    reverse: PyTree[np.ndarray] | None
    slopes: Float[np.ndarray, " D"]
    forward: Float[np.ndarray, " D"] | None


def deviation_at(
    programs: Programs, problem: Problem, directions: PyTree, returns: Returns
) -> Deviation:
    """Estimates the rounding errors of a loss and its gradients at a point by random rounding."""
    info = jnp.finfo(programs.precision)
    amplified = AMPLIFIED if programs.precision == "float64" else 1.0
    unit = float(info.eps) / 2
    loss, reverse, forward = 0.0, None, None
    if isinstance(programs.loss, Program):
        sampled = _sampled(programs.loss.traced, problem, amplified)
        values, gradients = (sampled, None) if programs.without else sampled
        loss = float(standard_deviation(values)) / amplified
        if gradients is not None:
            forward = standard_deviation(slopes(gradients, directions)) / amplified
            reverse = jax.tree.map(lambda s: pooled(s) / amplified, gradients)
            moved = _sensitivity(gradients, problem.differentiated)
            loss = float(np.hypot(loss, unit * moved))
    if isinstance(programs.hand, Program):
        sampled = _sampled(programs.hand.traced, problem, amplified)
        if returns.has_value:
            sampled = sampled[1]
        tree = jax.tree.structure(problem.differentiated)
        sampled = jax.tree.unflatten(tree, jax.tree.leaves(sampled))
    elif isinstance(programs.loss, Program) and reverse is not None:
        # the deviation of a gradient that is not traced is that of autodiff, and that of rounded
        # data
        sampled = _of_rounded_data(programs.loss.traced, problem, amplified * unit)[1]
    else:
        zero = jax.tree.map(lambda x: np.zeros(np.shape(x)), problem.differentiated)
        return Deviation(loss, zero, None, np.zeros(number_of(directions)), None)
    along = standard_deviation(slopes(sampled, directions)) / amplified
    hand = jax.tree.map(lambda s: pooled(s) / amplified, sampled)
    if isinstance(programs.hand, Plain):
        # ... and one unit in the last place of its largest coordinate
        places = jax.tree.map(lambda s: unit * np.abs(s).max(initial=0), sampled)
        hand = jax.tree.map(lambda h, r, p: np.sqrt(h**2 + r**2 + p**2), hand, reverse, places)
        along = np.hypot(along, along if forward is None else forward)
    return Deviation(loss, hand, reverse, along, forward)


def _sampled(traced: Traced, problem: Problem, amplified: float) -> PyTree:
    inputs = traced.inputs(jax.tree.leaves(problem.arguments))
    return jax.tree.unflatten(traced.tree, samples(traced.closed, inputs, amplified=amplified))


def _of_rounded_data(traced: Traced, problem: Problem, unit: float) -> PyTree:
    """Evaluates a traced function with randomly rounded data, several times."""
    rng = np.random.default_rng(0)

    def rounded(values: Any) -> Any:
        if not jnp.issubdtype(values.dtype, jnp.floating):
            return values
        values = np.asarray(values, np.float64)
        return values * (1 + unit * rng.uniform(-1, 1, values.shape))

    inputs = traced.inputs(jax.tree.leaves(problem.arguments))
    found = []
    for _ in range(ROUNDED_DATA):
        moved = traced.closed.replace(consts=[rounded(c) for c in traced.closed.consts])
        found.append(unrounded(moved, [rounded(x) for x in inputs]))
    stacked = [np.stack(each) for each in zip(*found, strict=True)]
    return jax.tree.unflatten(traced.tree, stacked)


def standard_deviation(samples: Float[np.ndarray, "S ..."]) -> Float[np.ndarray, "..."]:
    """Computes the standard deviation over the first axis without underflow of squares.

    Args:
        samples: Numbers stacked along the first axis.

    Returns:
        The deviation of each number; zero for numbers that are infinite in all samples.

    Example:
        >>> float(standard_deviation(np.array([1e-200, 3e-200])))
        1e-200
    """
    samples = np.asarray(samples)
    flat = samples.reshape(len(samples), -1)
    chunks = [_deviation(flat[:, i : i + CHUNK]) for i in range(0, flat.shape[1], CHUNK)]
    return np.concatenate(chunks or [flat[0]]).reshape(samples.shape[1:])


@np.errstate(invalid="ignore")
def _deviation(samples: Float[np.ndarray, "S N"]) -> Float[np.ndarray, " N"]:
    shifted = samples - samples[0]  # so that equal numbers have a deviation of exactly zero
    shifted[samples == samples[0]] = 0.0  # infinity less itself
    shifted -= np.mean(shifted, axis=0)
    largest = np.max(np.abs(shifted), axis=0)
    np.divide(shifted, largest, out=shifted, where=largest > 0)
    return largest * np.sqrt(np.mean(np.square(shifted, out=shifted), axis=0))


def pooled(samples: Float[np.ndarray, "S ..."]) -> Float[np.ndarray, "..."]:
    """Computes standard deviations; of a large array with few samples, also from its neighbours.

    With few samples, some of many deviations are far too small by chance. Each is therefore raised
    to the mean of its block of neighbours, but at most to a multiple of itself, since neighbours
    may have other scales. A deviation of zero remains.
    """
    deviation = standard_deviation(samples)
    if deviation.size < LARGE:
        return deviation
    blocks = np.resize(deviation, (-(-deviation.size // BLOCK), BLOCK))
    mean = blocks.mean(axis=1, keepdims=True)
    raised = np.maximum(blocks, np.minimum(mean, RAISED * blocks))
    return raised.reshape(-1)[: deviation.size].reshape(deviation.shape)


def _sensitivity(gradients: PyTree, point: PyTree) -> float:
    pairs = zip(jax.tree.leaves(gradients), jax.tree.leaves(point), strict=True)
    moved = (np.nan_to_num(g[0] * np.asarray(x, np.float64), posinf=0.0) for g, x in pairs)
    return float(np.sqrt(sum(np.sum(each**2) for each in moved)))
