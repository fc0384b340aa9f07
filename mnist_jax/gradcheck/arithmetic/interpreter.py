"""An interpreter of jaxprs for any arithmetic.

A jaxpr is a list of operations on arrays. An arithmetic defines numbers and the operations on them.
The interpreter handles the operations that call others: functions, custom derivative rules, scans,
loops and branches. All code that depends on the version of JAX is in this file.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.extend.core import Literal


class Unsupported(Exception):  # noqa: N818 - leads to a verdict, not to an error
    """An operation that an arithmetic does not support; the message names it."""


class Arithmetic(ABC):
    """Numbers and the operations on them.

    Arrays are NumPy arrays of booleans, of integers, or of the arithmetic's type of real numbers.
    """

    @abstractmethod
    def constant(self, value: Any) -> Any:
        """Convert a constant in the code to an array."""

    @abstractmethod
    def data(self, value: Any) -> Any:
        """Convert an array that the function closes over."""

    @abstractmethod
    def operation(self, equation: Any, operands: list[Any]) -> Sequence[Any]:
        """Evaluate one operation of a jaxpr.

        Raises:
            Unsupported: If the arithmetic does not support the operation.
        """


def evaluate(closed: Any, arguments: Sequence[Any], arithmetic: Arithmetic) -> list[Any]:
    """Evaluate a traced function.

    Args:
        closed: Closed jaxpr, as `jax.make_jaxpr` returns.
        arguments: Flat list of arrays of the arithmetic's numbers.
        arithmetic: Arithmetic that evaluates the operations.

    Returns:
        The flat list of results.

    Raises:
        Unsupported: If the arithmetic does not support an operation.
    """
    jaxpr = getattr(closed, "jaxpr", closed)
    held = [arithmetic.data(value) for value in getattr(closed, "consts", ())]
    known = dict(zip(jaxpr.constvars, held, strict=True))
    known |= zip(jaxpr.invars, arguments, strict=True)

    def read(variable: Any) -> Any:
        if isinstance(variable, Literal):
            return arithmetic.constant(variable.val)
        return known[variable]

    for equation in jaxpr.eqns:
        operands = [read(variable) for variable in equation.invars]
        known |= zip(equation.outvars, _results(equation, operands, arithmetic), strict=True)
    return [read(variable) for variable in jaxpr.outvars]


def _results(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    if not equation.outvars:  # such as jax.debug.print
        return []
    form = FORMS.get(equation.primitive.name)
    return (form or _operation)(equation, operands, arithmetic)


def _operation(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    return arithmetic.operation(equation, operands)


def called(equation: Any) -> Any:
    """Return the jaxpr of an operation that only calls it.

    Args:
        equation: Operation of a jaxpr.

    Returns:
        The jaxpr, closed or not.

    Raises:
        Unsupported: If this version of JAX stores it under an unknown name.
    """
    for name in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        if name in equation.params:
            return equation.params[name]
    raise Unsupported(f"{equation.primitive.name} calls a function in a form that is not known")


def _call(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    return evaluate(called(equation), operands, arithmetic)


class Scan(NamedTuple):
    """The parts of a scan.

    Attributes:
        body: Jaxpr of an iteration, from constants, carry and x to carry and y.
        constants: Number of operands that are the same in each iteration.
        carried: Number of operands that are carried from one iteration to the next; the others are
            scanned.
    """

    body: Any
    constants: int
    carried: int

    @classmethod
    def of(cls, equation: Any) -> "Scan":
        """Identify the parts by their ranks: scanned and stacked arrays have an additional axis.

        The parameters with their numbers have different names in different versions of JAX.
        """
        body = called(equation)
        jaxpr = getattr(body, "jaxpr", body)
        scanned = _of_other_rank(equation.invars, jaxpr.invars)
        carried = len(equation.outvars) - _of_other_rank(equation.outvars, jaxpr.outvars)
        return cls(body, len(equation.invars) - scanned - carried, carried)


def _of_other_rank(outside: Sequence[Any], inside: Sequence[Any]) -> int:
    pairs = zip(outside, inside, strict=True)
    return sum(len(a.aval.shape) != len(b.aval.shape) for a, b in pairs)


def _scan(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    scan, length = Scan.of(equation), equation.params["length"]
    first = scan.constants + scan.carried
    constants, carry = operands[: scan.constants], operands[scan.constants : first]
    stacked: list[list[Any]] = []
    for i in reversed(range(length)) if equation.params["reverse"] else range(length):
        xs = [x[i, ...] for x in operands[first:]]
        results = evaluate(scan.body, [*constants, *carry, *xs], arithmetic)
        carry, ys = results[: scan.carried], results[scan.carried :]
        stacked.append(ys)
    if equation.params["reverse"]:
        stacked.reverse()
    empty = [np.empty(v.aval.shape, object) for v in equation.outvars[scan.carried :]]
    return [*carry, *(map(np.stack, zip(*stacked, strict=True)) if stacked else empty)]


def _while(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    parameters = equation.params
    first = parameters["cond_nconsts"]
    last = first + parameters["body_nconsts"]
    asked, constants, carry = operands[:first], operands[first:last], operands[last:]
    while (goes_on := evaluate(parameters["cond_jaxpr"], [*asked, *carry], arithmetic)[0]).any():
        results = evaluate(parameters["body_jaxpr"], [*constants, *carry], arithmetic)
        # in a batch, elements that have ended keep their values
        carry = [_where(goes_on, *pair) for pair in zip(results, carry, strict=True)]
    return carry


def _where(which: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    if which.all():
        return new
    return np.where(which.reshape(which.shape + (1,) * (new.ndim - which.ndim)), new, old)


def _cond(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    which, *operands = operands
    branches = equation.params["branches"]
    return evaluate(branches[np.clip(which, 0, len(branches) - 1)], operands, arithmetic)


def _linear_solve(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    # operands are the constants of four functions, then the right side; the third function solves
    lengths = [0, *np.cumsum(equation.params["const_lengths"])]
    constants = operands[lengths[2] : lengths[3]]
    solve = equation.params["jaxprs"][2]
    return evaluate(solve, [*constants, *operands[lengths[4] :]], arithmetic)


Form = Callable[[Any, list[Any], Arithmetic], Sequence[Any]]
CALLS = (
    *("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat", "remat2"),
    *("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"),
)
FORMS: dict[str, Form] = {
    **dict.fromkeys(CALLS, _call),
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    "custom_linear_solve": _linear_solve,
}
"""Operations that call other operations."""
