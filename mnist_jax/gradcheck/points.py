"""Evaluates the functions of a check at one point, in one precision."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PyTree

from mnist_jax.gradcheck.arithmetic.sampling import unrounded
from mnist_jax.gradcheck.closures import writes_in_place
from mnist_jax.gradcheck.differences import Line
from mnist_jax.gradcheck.directions import Forward, each_of, lines_through
from mnist_jax.gradcheck.draws import Point
from mnist_jax.gradcheck.functions import Traced, moving_leaves
from mnist_jax.gradcheck.noise import Deviation, deviation_at
from mnist_jax.gradcheck.problem import Problem, stack
from mnist_jax.gradcheck.programs import (
    Plain,
    Program,
    Programs,
    Returns,
    in_float64,
    loss_and_reverse,
)
from mnist_jax.gradcheck.validation import gradient_leaves
from mnist_jax.precision import in_precision


class Values(NamedTuple):
    """A loss and two gradients of it.

    Attributes:
        loss: Value of the loss.
        hand: Hand-written gradient.
        reverse: Autodiff's gradient in reverse mode; None if there is none.
    """

    loss: Any
    hand: PyTree[np.ndarray]
    reverse: PyTree[np.ndarray] | None


class Evaluated(NamedTuple):
    """The results of all evaluations at one point.

    Attributes:
        point: Point, with its problem in this precision.
        values: Results of the compiled or called functions.
        value: Value that the hand-written gradient returns with it; None if it returns none.
        exact: Results without rounding in this precision (float64, one operation at a time); None
            for functions that are not traced.
        deviation: Standard deviations from rounding.
        repeats: Whether a second call returned the same numbers.
        forward: Derivative along each direction in forward mode; None if there is none.
        directions: Directions, stacked along a leading axis.
        lines: Loss along each direction; in float64 only.
    """

    point: Point
    values: Values
    value: float | None
    exact: Values
    deviation: Deviation
    repeats: bool
    forward: Float[np.ndarray, " D"] | None
    directions: PyTree[np.ndarray]
    lines: list[Line]

    @property
    def finite(self) -> bool:
        """Whether the loss and both gradients are finite."""
        return all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(self.values))


def evaluate(
    programs: Programs,
    point: Point,
    directions: PyTree,
    returns: Returns,
    forward: Forward | None = None,
) -> Evaluated:
    """Computes everything that a check compares at one point, along stacked directions."""
    with in_precision(programs.precision):
        point = point._replace(problem=point.problem.cast(programs.precision))
    problem = point.problem
    loss, reverse = loss_and_reverse(programs, programs.loss(problem))
    value, hand = _hand(programs.hand(problem), problem, returns)
    exact = _exact(programs, problem, returns)
    along = None
    if forward is not None:
        along = np.array([forward(problem, v) for v in each_of(directions)])
    deviation = deviation_at(programs, problem, directions, returns)
    lines = []
    if programs.precision == "float64":
        noise = deviation.loss or float(np.finfo(np.float64).eps * abs(loss))
        lines = list(lines_through(programs, problem, directions, noise))
    repeats = point.name != "given" or _repeats(programs, problem, exact, hand, returns)
    values = Values(loss, hand, reverse)
    return Evaluated(point, values, value, exact, deviation, repeats, along, directions, lines)


def batched(programs: Programs, points: Sequence[Evaluated]) -> PyTree[np.ndarray] | None:
    """Computes the hand-written gradient at several points in one batch, with `jax.vmap`.

    The points differ only in the differentiated argument. A function that is not traced has none.
    """
    if not isinstance(programs.hand, Program):
        return None
    hand, places = programs.hand.traced, [at.point.problem for at in points]
    count = len(moving_leaves(places[0]))
    inputs = hand.inputs(jax.tree.leaves(places[0].arguments))
    moving = jax.tree.leaves(stack([place.differentiated for place in places]))
    axes = [0 if i < count else None for i in range(len(inputs))]
    with in_precision(programs.precision):
        together = jax.make_jaxpr(jax.vmap(hand, in_axes=axes))(*moving, *inputs[count:])
    leaves = unrounded(together, [*moving, *inputs[count:]])
    tree = jax.tree.structure(places[0].differentiated)
    return jax.tree.unflatten(tree, leaves[-tree.num_leaves :])


def loss_at(programs: Programs, problem: Problem) -> float:
    """Evaluates the loss of a problem in float64, compiled or by a call."""
    with in_precision(programs.precision):
        problem = problem.cast(programs.precision)
    return programs.value_at(problem)


def largest_slope(programs: Programs, problem: Problem) -> float:
    """Returns the largest magnitude in autodiff's gradient."""
    reverse = loss_and_reverse(programs, programs.loss(problem))[1]
    return max(float(np.max(np.abs(leaf), initial=0)) for leaf in jax.tree.leaves(reverse))


def _hand(result: Any, problem: Problem, returns: Returns) -> tuple[float | None, PyTree]:
    value, leaves = gradient_leaves(result, problem, has_value=returns.has_value)
    tree = jax.tree.structure(problem.differentiated)
    return None if value is None else float(value), jax.tree.unflatten(tree, in_float64(leaves))


def _unrounded(traced: Traced, problem: Problem) -> PyTree:
    inputs = traced.inputs(jax.tree.leaves(problem.arguments))
    return jax.tree.unflatten(traced.tree, unrounded(traced.closed, inputs))


def _exact(programs: Programs, problem: Problem, returns: Returns) -> Values:
    loss = reverse = hand = None
    if isinstance(programs.loss, Program):
        loss, reverse = loss_and_reverse(programs, _unrounded(programs.loss.traced, problem))
    if isinstance(programs.hand, Program):
        hand = _hand(_unrounded(programs.hand.traced, problem), problem, returns)[1]
    return Values(loss, hand, reverse)


def _repeats(
    programs: Programs, problem: Problem, exact: Values, hand: PyTree, returns: Returns
) -> bool:
    """Returns whether a second trace, or a second call, gives the same results."""
    plain = Plain(problem.gradient, programs.precision)
    if writes_in_place(problem.gradient) and plain.changes_data(problem):
        return False
    if isinstance(programs.hand, Plain):
        once, twice = hand, _hand(programs.hand(problem), problem, returns)[1]
    else:
        assert programs.again is not None
        once, twice = exact.hand, _hand(_unrounded(programs.again, problem), problem, returns)[1]
    pairs = list(zip(jax.tree.leaves(once), jax.tree.leaves(twice), strict=True))
    if programs.value is not None and programs.value_again is not None:
        # a loss may have another form where it is differentiated
        values = (_unrounded(each, problem) for each in (programs.value, programs.value_again))
        pairs.append(tuple(values))
    elif isinstance(programs.loss, Plain):
        pairs.append((programs.loss(problem), programs.loss(problem)))
    return all(np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True) for a, b in pairs)
