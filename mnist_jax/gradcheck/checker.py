"""Checks a hand-written gradient."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import jax
import numpy as np

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck.branches import enter_others
from mnist_jax.gradcheck.closures import after, share_state, unchanged
from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.diagnosis import Evidence, diagnose
from mnist_jax.gradcheck.directions import Forward, forward_mode
from mnist_jax.gradcheck.draws import Point, draw_directions, draw_points, given_points
from mnist_jax.gradcheck.findings import compare_all
from mnist_jax.gradcheck.points import Evaluated, evaluate, largest_slope, loss_at
from mnist_jax.gradcheck.precisions import narrowed
from mnist_jax.gradcheck.problem import PRECISIONS, Problem, as_arrays
from mnist_jax.gradcheck.programs import Compiler, Plain, Programs, Returns, make_programs
from mnist_jax.gradcheck.remarks import not_finite, refuted, remarks_on, skipped
from mnist_jax.gradcheck.report import Report, environment
from mnist_jax.gradcheck.tuning import LARGE
from mnist_jax.gradcheck.validation import validate
from mnist_jax.gradcheck.verdict import judge_formula, limited_by_data, reconcile
from mnist_jax.precision import in_precision


class Checker:
    """Checks one gradient at any arguments, and reuses its compiled programs in every call.

    Args:
        loss: Function from arguments to a scalar. The arguments may be pytrees of arrays and
            numbers, and any other objects. If JAX can't trace the loss, the gradient is compared
            with its values alone.
        gradient: Hand-written function of the same arguments, which returns a pytree like the
            differentiated argument. If JAX can't trace it, it is called directly. If both use the
            same object, such as a layer with a forward and a backward pass, the loss is called
            before it, with the same arguments.
        argnum: Position of the argument to differentiate, or a tuple of positions, as in
            `jax.grad`.
        argnums: Another name for `argnum`, the one that `jax.grad` uses.
        points: Number of points: the given argument, and others drawn around it. Alternatively, a
            list of further values of the differentiated argument; then no points are drawn.
        directions: Number of directions for directional derivatives.
        precisions: Precisions to check in, one or both of "float32" and "float64".
        seed: Seed for drawing points and directions.
        project: Function that maps a drawn value of the differentiated argument to a valid one,
            such as `lambda A: (A + A.T) / 2`.
        has_value: Whether the gradient returns (value, gradient). The value is checked too.
        has_aux: Whether the loss returns (value, anything else).

    Raises:
        UsageError: If an option is out of range.

    Example:
        >>> import jax.numpy as jnp
        >>> checker = Checker(lambda w, x: jnp.sum(jnp.sin(w * x)), lambda w, x: x * jnp.cos(w * x))
        >>> [checker(w, 2.0).passes for w in (0.5, 1.0)]
        [True, True]
    """

    def __init__(  # noqa: PLR0913
        self,
        loss: Callable[..., Any],
        gradient: Callable[..., Any],
        *,
        argnum: int | Sequence[int] = 0,
        argnums: int | Sequence[int] | None = None,
        points: int | Sequence[Any] = 3,
        directions: int = 4,
        precisions: Sequence[str] = PRECISIONS,
        seed: int = 0,
        project: Callable[[Any], Any] | None = None,
        has_value: bool = False,
        has_aux: bool = False,
    ) -> None:
        for name, function in (("loss", loss), ("gradient", gradient)):
            if not callable(function):
                raise UsageError(f"the {name} is {function!r}: give a function.")
        for name, value in (("points", points), ("directions", directions)):
            if isinstance(value, int) and value < 1:
                raise UsageError(f"{name} is {value}; give at least 1.")
        if not precisions or not set(precisions) <= set(PRECISIONS):
            raise UsageError(f"precisions is {precisions!r}; give some of {', '.join(PRECISIONS)}.")
        chosen = argnum if argnums is None else argnums
        self._argnum = chosen if isinstance(chosen, int) else tuple(chosen)
        self._loss = loss
        self._gradient = after(loss, gradient) if share_state(loss, gradient) else gradient
        self._points, self._directions, self._seed = points, directions, seed
        self._precisions, self._project = tuple(precisions), project
        self._returns = Returns(has_value, has_aux)
        self._compiler = Compiler()

    def __call__(self, *arguments: Any) -> Report:
        """Checks the gradient at these arguments.

        Args:
            *arguments: Arguments of the loss and the gradient.

        Returns:
            The report.

        Raises:
            UsageError: If an argument can't be differentiated, a function raises, or the gradient
                has another structure or shape than the argument.
        """
        with unchanged(self._loss, self._gradient):
            return self._check(tuple(as_arrays(argument) for argument in arguments))

    def _check(self, given: tuple[Any, ...]) -> Report:
        problem = Problem(self._loss, self._gradient, self._argnum, given)
        validate(problem, self._precisions)
        programs = {
            precision: make_programs(problem, precision, self._returns, self._compiler)
            for precision in sorted({*self._precisions, "float64"}, reverse=True)
        }
        with in_precision("float64"):
            double = problem.cast("float64")
        with np.errstate(all="ignore"):
            return self._report(double, programs)

    def _report(self, problem: Problem, programs: dict[str, Programs]) -> Report:
        points, remarks = self._draw(problem, programs["float64"])
        findings: list[Finding] = []
        evaluated = {}
        everywhere = self._evaluate([programs[precision] for precision in self._precisions], points)
        for precision, at in zip(self._precisions, everywhere, strict=True):
            findings += not_finite(at, precision)
            findings += narrowed(programs[precision])
            usable = [each for each in at if np.isfinite(each.values.loss)]
            usable = [each for each in usable if each.finite or each.point.name == "given"]
            if usable:
                findings += compare_all(usable, programs[precision])
            evaluated[precision] = usable
            remarks += skipped(at, usable, precision)
        verdict = judge_formula(programs["float64"], points, self._returns)
        findings = reconcile(findings, verdict)
        diagnosis = diagnose(Evidence(problem, findings, evaluated, programs))
        remarks += [*refuted(verdict), *limited_by_data(verdict)]
        remarks += remarks_on(problem, programs, points, evaluated, findings)
        return Report(tuple(findings), (*diagnosis, *remarks), verdict, environment())

    def _draw(self, problem: Problem, programs: Programs) -> tuple[list[Point], list[str]]:
        if not isinstance(self._points, int):
            return given_points(problem, self._points), []

        def value(at: Problem) -> float:
            return loss_at(programs, at)

        def sensitivity(at: Problem) -> float:
            return largest_slope(programs, at)

        slope = None if programs.without else sensitivity
        points = draw_points(problem, value, slope, self._points, self._seed, self._project)
        remarks = []
        if len(points) < self._points:
            remarks.append("the loss is not finite around the argument: compared at fewer points")
        if programs.value is not None and len(points) > 1:
            others, missing = enter_others(programs.value, points, value, self._seed)
            points += others
            if missing:
                remarks.append(
                    f"no point enters {missing} of the branches of a cond in the loss: the "
                    "gradient was not checked there; give points=[...] that do"
                )
        return points, remarks

    def _evaluate(
        self, precisions: Sequence[Programs], points: Sequence[Point]
    ) -> list[list[Evaluated]]:
        """Evaluates all functions in all precisions, at all points."""
        jobs = [self._jobs(programs, points) for programs in precisions]
        size = sum(map(np.size, jax.tree.leaves(points[0].problem.differentiated)))
        if size < LARGE or any(isinstance(each.hand, Plain) for each in precisions):
            return [[job() for job in at] for at in jobs]
        # NumPy releases Python's lock while it works on large arrays
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            running = [[pool.submit(copy_context().run, job) for job in at] for at in jobs]
            return [[each.result() for each in at] for at in running]

    def _jobs(self, programs: Programs, points: Sequence[Point]) -> list[Callable[[], Evaluated]]:
        forward = None
        if programs.precision == "float64" and programs.value is not None:
            forward = forward_mode(programs.value, points[0].problem)
        return [partial(self._at, programs, point, forward) for point in points]

    def _at(self, programs: Programs, point: Point, forward: Forward | None) -> Evaluated:
        directions = draw_directions(point.problem.differentiated, self._directions, self._seed)
        return evaluate(programs, point, directions, self._returns, forward)


def check(
    loss: Callable[..., Any], gradient: Callable[..., Any], *arguments: Any, **options: Any
) -> Report:
    """Checks whether a hand-written gradient of a loss is correct, and how accurately.

    The gradient is compared with reverse mode, forward mode, extrapolated central differences and
    the order of the Taylor remainder, in float32 and float64, compiled and operation by operation.
    The tolerance is derived from the rounding error of this computation and does not grow with the
    number of weights.

    Args:
        loss: Function from arguments to a scalar.
        gradient: Function from the same arguments to a pytree like the differentiated argument.
        *arguments: Arguments at which to check.
        **options: Options of `Checker`: argnum, points, directions, precisions, seed, project,
            has_value, has_aux.

    Returns:
        The report. It is true if the gradient passes, and prints as a verdict with a short table;
        see its methods `details`, `to_json` and `raise_if_wrong`.

    Raises:
        UsageError: If an argument can't be differentiated, a function raises, or the gradient has
            another structure or shape than the argument.

    Example:
        >>> import jax.numpy as jnp
        >>> cube, w = lambda w: jnp.sum(w**3), jnp.array([1.0, -2.0])
        >>> check(cube, lambda w: 3 * w**2, w).passes
        True
        >>> check(cube, lambda w: -3 * w**2, w).diagnosis
        ("w: the gradient is -1 times autodiff's: the sign is wrong",)
    """
    return Checker(loss, gradient, **options)(*arguments)
