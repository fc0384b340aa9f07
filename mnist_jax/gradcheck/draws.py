"""Where a gradient is compared: points around an argument, and directions from there."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Programs

# how often a drawn point may come closer to the argument, to find the loss finite
HALVINGS = 12
# by what a drawn point may be scaled, to find the loss sensitive
SCALES = 4.0 ** -np.arange(16)


def draw_points(problem: Problem, programs: Programs, count: int, seed: int) -> dict[str, PyTree]:
    """The argument itself, and others drawn around it.

    Weights of zero hide mistakes (a penalty has no gradient there), so others are drawn at a
    distance of their own size; closer by, where the loss is not finite so far away. Weights so
    large that a loss is saturated hide them too, so all but the first of those are scaled to where
    the loss changes most.

    Args:
        problem: In float64, with float64 enabled.
        programs: Of the problem's functions.
        count: How many points, the argument itself included.
        seed: Of the drawn ones.

    Returns:
        Names to values of the differentiated argument. A point is left out if the loss is not
        finite anywhere near.
    """
    rng = np.random.default_rng(seed)
    argument = problem.differentiated
    points = {"given": argument}
    for number in range(1, count):
        distance = jax.tree.map(lambda x: scale(x) * rng.normal(size=jnp.shape(x)), argument)
        for factor in 2.0 ** -np.arange(HALVINGS):
            moved = _moved(argument, distance, factor)
            if np.isfinite(programs.loss(*problem.at(moved))):
                moved = moved if number == 1 else most_sensitive(problem, programs, moved)
                points[f"drawn {number}"] = moved
                break
    return points


def most_sensitive(problem: Problem, programs: Programs, point: PyTree) -> PyTree:
    r"""A point scaled by the factor t at which $t \|\nabla f(t x)\|$ is largest.

    Args:
        problem: In float64, with float64 enabled.
        programs: Of the problem's functions.
        point: x.

    Returns:
        t x, with t from `SCALES`.
    """
    zero = jax.tree.map(np.zeros_like, point)
    scaled = [_moved(zero, point, factor) for factor in SCALES]
    lengths = [
        factor * _norm(programs.reverse(*problem.at(x)))
        for factor, x in zip(SCALES, scaled, strict=True)
    ]
    return scaled[int(np.argmax(np.nan_to_num(lengths, nan=0.0, posinf=0.0)))]


def _moved(start: PyTree, distance: PyTree, factor: float) -> PyTree:
    return jax.tree.map(lambda x, d: np.asarray(x) + factor * np.asarray(d), start, distance)


def _norm(tree: PyTree) -> float:
    """The largest magnitude, which can't overflow."""
    return max(float(np.max(np.abs(np.asarray(leaf)), initial=0)) for leaf in jax.tree.leaves(tree))


def draw_directions(problem: Problem, count: int, seed: int) -> PyTree[Float[np.ndarray, "D ..."]]:
    """Directions of random signs, each as long as the argument's root mean square.

    Args:
        problem: In float64, with float64 enabled.
        count: How many, D.
        seed: Of the signs.

    Returns:
        A pytree like the differentiated argument, with a leading axis of directions.
    """
    rng = np.random.default_rng(seed + 1)
    argument = problem.differentiated
    size = sum(jnp.size(leaf) for leaf in jax.tree.leaves(argument))

    def leaf(x: Array) -> np.ndarray:
        return rng.choice([-1.0, 1.0], (count, *jnp.shape(x))) * scale(x) / np.sqrt(size)

    return jax.tree.map(leaf, argument)


def scale(values: Array) -> float:
    """The root mean square of an array, or 1 if that is zero."""
    return float(np.sqrt(np.mean(np.asarray(values, np.float64) ** 2))) or 1.0
