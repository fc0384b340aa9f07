"""Compiled programs for the loss, autodiff's gradient and the hand-written gradient."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PyTree

from mnist_jax.compat import ClosedJaxpr, jaxpr_as_fun
from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import validation
from mnist_jax.gradcheck.functions import (
    Traced,
    call,
    moving_leaves,
    own_copies,
    quietly,
    trace,
)
from mnist_jax.gradcheck.loops import bounded
from mnist_jax.gradcheck.mistakes import surgery
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.tuning import LARGE
from mnist_jax.precision import in_precision

Executable = Callable[[list[Any], list[Any]], list[Any]]


class Returns(NamedTuple):
    """The form of the results of the functions.

    Attributes:
        has_value: Whether the gradient returns (value, gradient).
        has_aux: Whether the loss returns (value, anything else).
    """

    has_value: bool = False
    has_aux: bool = False


class Compiler:
    """Compiles programs in background threads, each program only once."""

    def __init__(self) -> None:
        self._programs: dict[str, Future[Executable]] = {}

    def submit(self, closed: ClosedJaxpr, inputs: list[Any]) -> Future[Executable]:
        """Starts to compile a program of (constants, inputs) in the background."""

        def program(constants: list[Any], values: list[Any]) -> list[Any]:
            return jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, constants))(*values)

        key = str(closed.jaxpr)
        if key not in self._programs:
            lowered = jax.jit(program).lower(closed.consts, inputs)
            pool = ThreadPoolExecutor(1)
            self._programs[key] = pool.submit(lowered.compile)
            pool.shutdown(wait=False)
        return self._programs[key]


class Program:
    """A traced and compiled function of a problem."""

    def __init__(
        self, traced: Traced, problem: Problem, precision: str, compiler: Compiler
    ) -> None:
        self.traced, self.precision = traced, precision
        closed = bounded(traced.closed)
        self.constants = jax.device_put(closed.consts)
        inputs = traced.inputs(jax.tree.leaves(problem.arguments))
        self._executable = compiler.submit(closed, inputs)

    def __call__(self, problem: Problem) -> PyTree:
        """Calls the program, and returns the result with NumPy arrays."""
        return self.run(self.constants, self.traced.inputs(jax.tree.leaves(problem.arguments)))

    def run(self, constants: list[Any], inputs: list[Any]) -> PyTree:
        """Calls the program with other constants, and returns the result with NumPy arrays."""
        with in_precision(self.precision):
            results = self._executable.result()(constants, inputs)
        return jax.tree.unflatten(self.traced.tree, jax.device_get(results))


class Plain:
    """A function that JAX can't trace; it is called directly."""

    traced = None

    def __init__(self, function: Callable[..., Any], precision: str) -> None:
        self.function, self.precision = function, precision

    def changes_data(self, problem: Problem) -> bool:
        """Returns whether the function changes its data in place."""
        leaves, tree = jax.tree.flatten(problem.arguments)
        moving, copies = moving_leaves(problem), own_copies(leaves)
        with in_precision(self.precision), quietly(), contextlib.suppress(Exception):
            self.function(*jax.tree.unflatten(tree, copies))
        return any(
            isinstance(leaf, np.ndarray) and not np.array_equal(leaf, copy, equal_nan=True)
            for i, (leaf, copy) in enumerate(zip(leaves, copies, strict=True))
            if i not in moving
        )

    def __call__(self, problem: Problem) -> PyTree:
        """Calls the function."""
        with in_precision(self.precision):
            return call(self.function, problem)


class Programs(NamedTuple):
    """The functions of a problem in one precision.

    Attributes:
        precision: Name of the dtype.
        loss: Program that returns (value, gradient by autodiff), or the value alone.
        hand: Program that returns the result of the hand-written gradient.
        without: Reason why there is no gradient by autodiff; empty if there is one.
        value: Trace of the loss alone; None if it can't be traced.
        alone: Program of the loss alone, which is faster with large arguments; None with small
            ones.
        again: Second trace of the hand-written gradient, which differs from the first only if the
            function depends on more than its arguments; None if it can't be traced.
        value_again: Second trace of the loss.
    """

    precision: str
    loss: Program | Plain
    hand: Program | Plain
    without: str
    value: Traced | None
    alone: Program | None
    again: Traced | None
    value_again: Traced | None

    def value_at(self, problem: Problem) -> float:
        """Returns the loss at a point of this precision."""
        if self.alone is None:
            return loss_and_reverse(self, self.loss(problem))[0]
        return float(self.alone(problem))


def make_programs(
    problem: Problem, precision: str, returns: Returns, compiler: Compiler
) -> Programs:
    """Traces the functions of a problem in one precision, and starts to compile them.

    Raises:
        UsageError: If a function raises, or returns an invalid result.
    """
    with in_precision(precision):
        problem = problem.cast(precision)
        loss, without, values = _loss(problem, precision, returns, compiler)
        shapes = _intermediate_shapes(values[0] if values else None)
        hand, again = _hand(problem, precision, returns, compiler, shapes)
        value, value_again = values or (None, None)
        large = sum(map(np.size, jax.tree.leaves(problem.arguments))) >= LARGE
        alone = Program(value, problem, precision, compiler) if value and large else None
        return Programs(precision, loss, hand, without, value, alone, again, value_again)


def _loss(
    problem: Problem, precision: str, returns: Returns, compiler: Compiler
) -> tuple[Program | Plain, str, list[Traced]]:
    scalar = partial(_scalar, problem.loss, returns)
    try:
        values = [trace(scalar, problem), trace(scalar, problem)]
    except UsageError:
        raise
    except Exception as error:
        try:
            validation.loss_value(call(problem.loss, problem), has_aux=returns.has_aux)
        except UsageError:
            raise
        except Exception:
            raise validation.raised("loss", error, problem) from error
        reason = f"the loss can't be traced by JAX ({type(error).__name__})"
        return Plain(scalar, precision), reason, []
    try:
        both = _with_gradient(values[0], problem)
    except Exception as error:
        program = Program(values[0], problem, precision, compiler)
        return program, _no_reverse_mode(error), values
    return Program(both, problem, precision, compiler), "", values


def _with_gradient(value: Traced, problem: Problem) -> Traced:
    moving = range(len(moving_leaves(problem)))
    both = jax.value_and_grad(lambda *inputs: value(*inputs)[0], tuple(moving))
    tree = jax.tree.structure((0, problem.differentiated))
    return Traced(value.transformed(both), value.takes, tree)


def _scalar(loss: Callable[..., Any], returns: Returns, *arguments: Any) -> Any:
    return validation.loss_value(loss(*arguments), has_aux=returns.has_aux)


def _no_reverse_mode(error: Exception) -> str:
    first = str(error).split("\n", 1)[0].split(". ", 1)[0]
    return f"JAX can't differentiate the loss in reverse mode ({first})"


def _hand(
    problem: Problem, precision: str, returns: Returns, compiler: Compiler, shapes: set[Any]
) -> tuple[Program | Plain, Traced | None]:
    conform = partial(
        validation.gradient_leaves, problem=problem, has_value=returns.has_value, between=shapes
    )
    try:
        traced = trace(problem.gradient, problem)
    except Exception as error:
        try:
            result = call(problem.gradient, problem)
        except Exception:
            raise validation.raised("gradient", error, problem) from error
        conform(result)
        return Plain(problem.gradient, precision), None
    conform(jax.tree.unflatten(traced.tree, traced.closed.out_avals))
    again = trace(problem.gradient, problem)
    return Program(traced, problem, precision, compiler), again


def _intermediate_shapes(traced: Traced | None) -> set[Any]:
    if traced is None:
        return set()
    equations = surgery.equations(traced.closed)
    return {getattr(v.aval, "shape", None) for equation in equations for v in equation.outvars}


def loss_and_reverse(programs: Programs, result: Any) -> tuple[float, PyTree[np.ndarray] | None]:
    """Splits the result of the loss's program into the value and autodiff's gradient, or None."""
    value, reverse = (result, None) if programs.without else result
    return float(value), None if reverse is None else in_float64(reverse)


def in_float64(tree: PyTree) -> PyTree[np.ndarray]:
    """Converts the leaves of a pytree to NumPy arrays of float64."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)
