"""Mistakes visible in the operations of a function: broadcast shapes, integer overflow."""

from typing import Any

import jax
import numpy as np

from mnist_jax.gradcheck.arithmetic.structure import INTEGERS
from mnist_jax.gradcheck.closures import captured
from mnist_jax.gradcheck.functions import Traced
from mnist_jax.gradcheck.mistakes import surgery
from mnist_jax.gradcheck.mistakes.data import data_of
from mnist_jax.gradcheck.problem import Problem, is_array

WRAPPING = ("add", "sub", "mul", "neg", "integer_pow")


def column_against_row(traced: Traced) -> str:
    """Describes an operation that broadcasts a column and a row of the same length to a matrix.

    For example, labels of shape (n, 1) minus predictions of shape (n,) have shape (n, n).
    """
    for equation in surgery.equations(traced.closed):
        shapes = [getattr(v.aval, "shape", ()) for v in equation.invars]
        for n in {max(shape, default=0) for shape in shapes}:
            if n > 1 and sorted(shapes) == [(1, n), (n, 1)]:
                name = equation.primitive.name
                return f"combines ({n}, 1) with ({n},) to ({n}, {n}) by {name}"
    return ""


def wraps_around(gradient: Traced, loss: Traced, problem: Problem) -> str:
    """Describes integers of fewer than 32 bits that wrap around in a gradient; else empty."""
    return _in_operations(gradient, problem) or _before_tracing(gradient, loss, problem)


def _in_operations(traced: Traced, problem: Problem) -> str:
    found: list[str] = []

    def note(equation: surgery.Equation) -> list[Any]:
        dtype = np.dtype(equation.results[0].dtype) if equation.results else np.dtype(bool)
        if not found and equation.name in WRAPPING and dtype.kind in "iu" and dtype.itemsize < 4:
            operands = [np.asarray(x, np.int64) for x in equation.operands]
            power = equation.jaxpr.params.get("y")
            wide = operands[0] ** power if power else INTEGERS[equation.name](*operands)
            if not np.array_equal(wide, np.asarray(equation.results[0], np.int64)):
                found.append(f"computes with {dtype}, which wraps around ({equation.name})")
        return equation.results

    if any(_narrow(v.aval) for e in surgery.equations(traced.closed) for v in e.outvars):
        inputs = traced.inputs(jax.tree.leaves(problem.arguments))
        with jax.enable_x64(True):
            surgery.evaluate(traced.closed, inputs, note)
    return "".join(found)


def _narrow(aval: Any) -> bool:
    dtype = getattr(aval, "dtype", None)
    return isinstance(dtype, np.dtype) and dtype.kind in "iu" and dtype.itemsize < 4


def _before_tracing(gradient: Traced, loss: Traced, problem: Problem) -> str:
    """Describes small integers that wrapped around in NumPy, before tracing."""
    narrow = [
        (name, value)
        for name, value in captured(problem.gradient)
        if is_array(value) and _narrow(value)
    ]
    theirs = [datum.array for datum in data_of(loss, problem)]
    for ours in map(np.asarray, gradient.closed.consts):
        for name, integers in narrow:
            for other in theirs:
                if ours.shape == other.shape == integers.shape and _by_steps(ours, other):
                    return f"computes with {name} as {integers.dtype}, which wraps around"
    return ""


def _by_steps(a: np.ndarray, b: np.ndarray) -> bool:
    """Returns whether some entries of two arrays differ by multiples of the same number."""
    if a.dtype.kind != "f" or b.dtype.kind != "f":
        return False
    differences = np.abs(a.astype(np.float64) - b)
    size = np.abs(b).max(initial=0) * 1e-6
    steps = differences[differences > size]
    if len(steps) in {0, a.size}:
        return False
    return bool(np.allclose(steps / steps.min(), np.rint(steps / steps.min()), atol=1e-6))
