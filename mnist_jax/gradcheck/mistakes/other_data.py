"""Gradients of a loss with changed data."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from mnist_jax.gradcheck.mistakes.data import Datum, data_of
from mnist_jax.gradcheck.mistakes.derivatives import Hypothesis, Leaves, Loss
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Program


def of_data(program: Program, loss: Loss, problem: Problem) -> Iterator[Hypothesis]:
    """Yields gradients of the loss with data that are omitted, set to one, shifted or exchanged."""
    data = sorted(data_of(program.traced, problem), key=lambda datum: datum.array.size)
    for datum in data:
        for words, change in _changes(datum):
            yield words, functools.partial(_with_data, program, [(datum, change)])
    rows = [d for d in data if d.array.ndim and d.array.shape[0] > 1]
    for n in sorted({d.array.shape[0] for d in rows}):
        chosen = [d for d in rows if d.array.shape[0] == n]
        for row, which in ((n - 1, "last"), (0, "first")):
            words = f"leaves out the {which} of the {n} rows of {_names(chosen)}"
            without = functools.partial(_without_row, program, loss, chosen, row)
            yield words, functools.partial(without, 1.0)
            words += ", in the sum and in the number that it is divided by"
            yield words, functools.partial(without, n / (n - 1))
    for i, a in enumerate(data):
        for b in data[i + 1 :]:
            if a.array.shape == b.array.shape and a.array.dtype == b.array.dtype and a.array.ndim:
                exchanged = [(a, functools.partial(_other, b)), (b, functools.partial(_other, a))]
                words = f"has {a.name} and {b.name} exchanged"
                yield words, functools.partial(_with_data, program, exchanged)


def _other(datum: Datum, _: np.ndarray) -> np.ndarray:
    return datum.array


def _names(data: list[Datum]) -> str:
    return " and ".join(sorted({d.name for d in data})[:2])


def _changes(datum: Datum) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    name, floating = datum.name, np.issubdtype(datum.array.dtype, np.floating)
    if floating and datum.array.ndim == 0:
        yield f"leaves out {name}, or what it multiplies", np.zeros_like
        yield f"uses twice {name}", lambda x: 2 * x
        yield f"uses half of {name}", lambda x: x / 2
        yield f"takes {name} to be 1", np.ones_like
        yield f"uses the square of {name}", np.square
    elif floating:
        yield f"forgets {name}: it takes all of them to be 1", np.ones_like
        yield f"forgets {name}: it takes all of them to be 0", np.zeros_like
        yield f"has the wrong sign at {name}", np.negative
        yield f"uses the squares of {name}", np.square
    elif datum.array.ndim:
        largest = int(datum.array.max(initial=0)) + 1
        yield f"uses {name} + 1: shifted by one", lambda x: (x + 1) % largest
        yield f"uses {name} - 1: shifted by one", lambda x: (x - 1) % largest
    for axis in range(min(datum.array.ndim, 2)):
        if datum.array.shape[axis] > 1:
            for by in (1, -1):
                words = f"uses {name} shifted by {by} along axis {axis}"
                yield words, functools.partial(np.roll, shift=by, axis=axis)
    if datum.array.ndim == 2 and datum.array.shape[0] == datum.array.shape[1]:
        yield f"uses {name} transposed", np.transpose


def _with_data(program: Program, changes: Any, problem: Problem) -> Leaves:
    traced = program.traced
    inputs = [np.asarray(x) for x in traced.inputs(jax.tree.leaves(problem.arguments))]
    constants = list(program.constants)
    for datum, change in changes:
        of = constants if datum.constant else inputs
        values = np.asarray(of[datum.position])
        of[datum.position] = np.ascontiguousarray(change(values)).astype(values.dtype)
    gradient = jax.tree.leaves(program.run(constants, inputs)[1])
    return [np.asarray(leaf, np.float64) for leaf in gradient]


def _without_row(
    program: Program, loss: Loss, data: list[Datum], row: int, factor: float, problem: Problem
) -> Leaves:
    """Computes the gradient without one example, for a loss that is a sum or mean over examples."""

    def only(values: np.ndarray) -> np.ndarray:
        return np.repeat(values[row : row + 1], len(values), axis=0)

    whole = _with_data(program, [], problem)
    alone = _with_data(program, [(datum, only) for datum in data], problem)
    penalty = loss.penalty(problem) or [np.zeros_like(leaf) for leaf in whole]
    n = len(data[0].array)
    return [
        p + factor * ((a - p) - (b - p) / n) for a, b, p in zip(whole, alone, penalty, strict=True)
    ]
