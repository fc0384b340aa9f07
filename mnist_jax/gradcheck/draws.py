"""Draws the points and directions at which gradients are compared."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PyTree

from mnist_jax.gradcheck.problem import Problem, is_floating
from mnist_jax.gradcheck.tuning import ATTEMPTS, INSTEAD_OF_ZERO, SPREAD, VANISHED

# factors by which a drawn point is scaled if the gradient vanishes there, as in saturation
SCALES = 4.0 ** -np.arange(16)

Value = Callable[[Problem], float]


class Point(NamedTuple):
    """A point at which gradients are compared.

    Attributes:
        name: Name of the point in the report.
        problem: Problem with the arguments of the point, in float64.
        changed: Description of changes to other arguments than the differentiated one.
    """

    name: str
    problem: Problem
    changed: str = ""


def draw_points(
    problem: Problem,
    value: Value,
    sensitivity: Value | None,
    count: int,
    seed: int,
    project: Callable[[Any], Any] | None = None,
) -> list[Point]:
    """Draws points around the argument, after the argument itself.

    Each coordinate changes in proportion to its size and keeps its sign, so that positive arguments
    remain positive. A symmetric matrix remains symmetric, unless the loss depends only on its
    symmetric part. Rows that sum to one still do. Weights of zero hide mistakes, because a penalty
    has no gradient there; they are drawn at the scale of the other weights. Saturated weights hide
    mistakes too: if the gradient vanishes at a drawn point, the point is scaled. At the last point,
    other arguments that hide mistakes are changed as well: a scalar of zero, or example weights
    that are all one.
    """
    rng = np.random.default_rng(seed)
    points = [Point("given", problem)]
    alike = _only_symmetric(problem, value)
    for number in range(1, count):
        for attempt in range(ATTEMPTS):
            nearer = SPREAD * 2.0**-attempt
            drawn = jax.tree.map(lambda x: _draw(rng, x, nearer, alike), problem.differentiated)  # noqa: B023
            moved = problem.at(project(drawn) if project else drawn)
            if np.isfinite(value(moved)):
                if number > 1 and sensitivity is not None and not project:
                    moved = _out_of_saturation(moved, sensitivity)
                points.append(Point(f"drawn {number}", moved))
                break
    if len(points) == count > 1:
        points[-1] = _with_other_data(points[-1], value, rng)
    return points


def given_points(problem: Problem, values: Sequence[Any]) -> list[Point]:
    """Returns the argument itself and the points that the user gives."""
    named = [Point(f"points[{i}]", problem.at(each)) for i, each in enumerate(values)]
    return [Point("given", problem), *named]


def _draw(rng: np.random.Generator, values: Any, spread: float, alike: bool) -> np.ndarray:
    values = np.asarray(values, np.float64)
    noise = rng.normal(size=values.shape)
    extra = rng.normal(size=values.shape)
    if alike and is_symmetric(values):
        noise, extra = ((each + each.T) / 2 for each in (noise, extra))
    size = np.abs(values)
    same_sign = values.size > 1 and np.any(values) and np.all(values >= 0)
    drawn_zeros = scale(values) * (np.abs(extra) if same_sign else extra)
    moved = values * np.exp(spread * noise) + np.where(size == 0, drawn_zeros, 0.0) * (
        spread / SPREAD
    )
    return np.asarray(moved / moved.sum(-1, keepdims=True) if sums_to_one(values) else moved)


def sums_to_one(values: np.ndarray) -> bool:
    """Returns whether the rows of an array sum to one, as one-hot labels and probabilities do."""
    several = values.ndim > 0 and values.shape[-1] > 1
    return bool(several and np.all(values >= 0) and np.allclose(values.sum(-1), 1, rtol=1e-6))


def is_symmetric(values: np.ndarray) -> bool:
    """Returns whether an array is a symmetric matrix of more than one row."""
    square = values.ndim == 2 and values.shape[0] == values.shape[1] > 1
    return bool(square and np.any(values) and np.array_equal(values, values.T))


def _only_symmetric(problem: Problem, value: Value) -> bool:
    """Returns whether the loss depends on more than the symmetric part of a symmetric matrix."""
    rng = np.random.default_rng(0)

    def asymmetric(values: Any) -> np.ndarray:
        values = np.asarray(values, np.float64)
        if not is_symmetric(values):
            return values
        noise = 1e-3 * scale(values) * rng.normal(size=values.shape)
        return values + noise - noise.T

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(problem.differentiated)]
    if not any(is_symmetric(leaf) for leaf in leaves):
        return False
    here, there = (
        value(problem),
        value(problem.at(jax.tree.map(asymmetric, problem.differentiated))),
    )
    return bool(not np.isclose(here, there, rtol=1e-12, atol=0))


def _out_of_saturation(problem: Problem, sensitivity: Value) -> Problem:
    r"""Scales a point by the t that maximises $t \|\nabla f(t x)\|$, if that vanishes here.

    If the gradient only grows towards zero, as that of 1/x, the point is not changed.
    """

    def scaled(t: float) -> Problem:
        return problem.at(jax.tree.map(lambda x: t * x, problem.differentiated))

    first = sensitivity(problem)
    if first > 0 and first >= VANISHED * SCALES[1] * sensitivity(scaled(SCALES[1])):
        return problem
    lengths = np.array([t * sensitivity(scaled(t)) for t in SCALES])
    lengths = np.nan_to_num(lengths, nan=0.0, posinf=0.0)
    best = int(np.argmax(lengths))
    at_a_pole = best == len(SCALES) - 1
    return problem if at_a_pole or lengths[0] >= VANISHED * lengths[best] else scaled(SCALES[best])


def _with_other_data(point: Point, value: Value, rng: np.random.Generator) -> Point:
    """Changes other arguments that hide mistakes, if the loss remains finite."""
    problem, changes = point.problem, []
    for argnum, argument in enumerate(problem.arguments):
        if argnum in problem.argnums:
            continue
        leaves, tree = jax.tree.flatten(argument)
        for i, name in enumerate(problem.leaf_names(argnum)):
            replaced = _revealing(leaves[i], rng)
            if replaced is None:
                continue
            others = [replaced if j == i else leaf for j, leaf in enumerate(leaves)]
            arguments = list(problem.arguments)
            arguments[argnum] = jax.tree.unflatten(tree, others)
            changed = problem._replace(arguments=tuple(arguments))
            try:
                finite = np.isfinite(value(changed))
            except Exception:  # the function may accept only its own data
                continue
            if finite:
                problem, leaves = changed, others
                shown = f"= {INSTEAD_OF_ZERO}" if np.ndim(replaced) == 0 else "between 0.5 and 1.5"
                changes.append(f"{name} {shown}")
    return Point(point.name, problem, ", ".join(changes))


def _revealing(leaf: Any, rng: np.random.Generator) -> Any:
    """Returns a value that reveals mistakes which the given one hides; None if it hides none."""
    if not is_floating(leaf):
        return None
    if np.ndim(leaf) == 0:
        return (
            None
            if leaf
            else type(leaf)(INSTEAD_OF_ZERO)
            if isinstance(leaf, float)
            else (np.asarray(INSTEAD_OF_ZERO, leaf.dtype))
        )
    if np.size(leaf) > 1 and np.all(np.asarray(leaf) == 1):
        return np.asarray(rng.uniform(0.5, 1.5, np.shape(leaf)), leaf.dtype)
    return None


def draw_directions(point: PyTree, count: int, seed: int) -> PyTree[Float[np.ndarray, "D ..."]]:
    """Draws directions with random signs; each coordinate is proportional to its size.

    Args:
        point: Value of the differentiated argument.
        count: Number D of directions.
        seed: Seed for drawing the signs.

    Returns:
        A pytree like the point with a leading axis of directions. The length of each direction is
        the root mean square of the point.
    """
    rng = np.random.default_rng(seed + 1)
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(point))

    def leaf(x: Any) -> np.ndarray:
        sizes = np.abs(np.asarray(x, np.float64))
        signs = rng.choice([-1.0, 1.0], (count, *np.shape(x)))
        return signs * np.where(sizes == 0, scale(x), sizes) / np.sqrt(size)

    return jax.tree.map(leaf, point)


def scale(values: Any) -> float:
    """Returns the root mean square of an array, or 1 if that is zero."""
    return float(np.sqrt(np.mean(np.asarray(values, np.float64) ** 2))) or 1.0
