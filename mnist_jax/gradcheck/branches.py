"""Finds points that enter the branches of a loss which the given points do not enter."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax import compat
from mnist_jax.gradcheck.arithmetic.sampling import unrounded
from mnist_jax.gradcheck.draws import Point, Value
from mnist_jax.gradcheck.functions import Traced
from mnist_jax.gradcheck.mistakes import surgery
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.tuning import BRANCHES, FLIPS
from mnist_jax.precision import in_precision

# factors by which a point is scaled in search of another branch; signs are changed as well
SCALES = (4.0, 0.25, 16.0, 0.0625)

Branch = tuple[int, int]


class Branches:
    """The branches of a loss traced in float64: those of `cond`, `switch` and `where`."""

    def __init__(self, traced: Traced) -> None:
        self.traced, self._traced = traced, None
        equations = surgery.equations(traced.closed)
        names = [equation.primitive.name for equation in equations]
        loops, depends = surgery.in_loops(traced.closed), surgery.inputs_of(traced.closed)
        self.numbers = [
            i
            for i, name in enumerate(names)
            if name in {"cond", "select_n"} and i not in loops and max(depends[i], default=-1) >= 0
        ]
        self.conds = {
            (i, branch)
            for i in self.numbers
            if names[i] == "cond"
            for branch in range(len(compat.branches(equations[i])))
        }
        sides = {(i, side) for i in self.numbers if names[i] == "select_n" for side in (0, 1)}
        self.all = self.conds | sides

    def entered(self, problem: Problem) -> set[Branch]:
        """Returns the branches that at least one number takes at a point."""
        inputs = self.traced.inputs(jax.tree.leaves(problem.arguments))
        values = unrounded(self._decisions(*inputs), inputs)
        return {
            (number, int(side))
            for number, value in zip(self.numbers, values, strict=True)
            for side in np.unique(value)
        }

    def _decisions(self, *given: Any) -> Any:
        """The loss traced to its decisions, once."""

        def decisions(*inputs: jax.Array) -> list[jax.Array]:
            found: dict[int, jax.Array] = {}

            def note(equation: surgery.Equation) -> list:
                if equation.number in self.numbers:
                    found[equation.number] = jnp.asarray(equation.operands[0], jnp.int32)
                return equation.results

            surgery.evaluate(self.traced.closed, inputs, note)
            return [found[i] for i in self.numbers]

        if self._traced is None:
            with in_precision("float64"):
                self._traced = jax.make_jaxpr(decisions)(*given)
        return self._traced


def enter_others(
    traced: Traced, points: Sequence[Point], value: Value, seed: int
) -> tuple[list[Point], int]:
    """Returns points that enter branches which the given points do not enter.

    The loss is finite at each of them. The number of branches of a `cond` that no point enters is
    returned too.
    """
    branches = Branches(traced)
    if not branches.all:
        return [], 0
    started = time.thread_time()
    missing = branches.all - set().union(*(branches.entered(p.problem) for p in points))
    found = []
    for candidate in _candidates(points, seed, flip=bool(missing & branches.conds)):
        if not missing or time.thread_time() - started > BRANCHES:
            break
        if not np.isfinite(value(candidate)):
            continue
        entered = branches.entered(candidate) & missing
        if entered:
            missing -= entered
            found.append(Point(f"another branch {len(found) + 1}", candidate))
    return found, len(missing & branches.conds)


def _candidates(points: Sequence[Point], seed: int, *, flip: bool) -> Iterator[Problem]:
    last = points[-1].problem
    for factor in SCALES:
        yield last.at(jax.tree.map(lambda x: factor * np.asarray(x), last.differentiated))  # noqa: B023
    rng = np.random.default_rng(seed)
    for i in range(FLIPS if flip else 0):
        signs = jax.tree.map(
            lambda x: -1.0 if i == 0 else rng.choice([-1.0, 1.0], np.shape(x)),  # noqa: B023
            last.differentiated,
        )
        yield last.at(jax.tree.map(lambda x, s: np.asarray(x) * s, last.differentiated, signs))
