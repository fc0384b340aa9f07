"""A walk through a traced function's operations, under any arithmetic.

A jaxpr lists operations on arrays. What a number is, and what an operation does to it, is the
arithmetic's; this file knows only how one operation calls others: functions, custom derivative
rules, scans, loops and branches. It alone knows what differs between JAX's versions.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jax.extend.core import Literal


class Unsupported(Exception):  # noqa: N818 - no error to whoever can do without the result
    """An operation that an arithmetic does not know; the message names it."""


class Arithmetic(ABC):
    """What numbers are, and what operations do to them.

    Arrays are NumPy's: of bool, of integers, and for floating numbers of whatever the arithmetic
    takes for a number.
    """

    @abstractmethod
    def constant(self, value: Any) -> Any:
        """The array for a number that is written in the code."""

    @abstractmethod
    def data(self, value: Any) -> Any:
        """The array for one that the function holds."""

    @abstractmethod
    def operation(self, equation: Any, operands: list[Any]) -> Sequence[Any]:
        """The results of one operation of a jaxpr.

        Raises:
            Unsupported: If there is no such operation in this arithmetic.
        """


def evaluate(closed: Any, arguments: Sequence[Any], arithmetic: Arithmetic) -> list[Any]:
    """Evaluate a traced function.

    Args:
        closed: A jaxpr, closed over its constants, as `jax.make_jaxpr` returns.
        arguments: Arrays of the arithmetic's numbers, flat.
        arithmetic: What evaluates the operations.

    Returns:
        The function's results, flat.

    Raises:
        Unsupported: If the arithmetic has no such operation.
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
    if not equation.outvars:  # a message to the screen
        return []
    form = FORMS.get(equation.primitive.name)
    return (form or _operation)(equation, operands, arithmetic)


def _operation(equation: Any, operands: list[Any], arithmetic: Arithmetic) -> Sequence[Any]:
    return arithmetic.operation(equation, operands)


def called(equation: Any) -> Any:
    """The jaxpr of an operation that does nothing but call it.

    Args:
        equation: Operation of a jaxpr.

    Returns:
        The jaxpr, closed or not.

    Raises:
        Unsupported: If this version of JAX keeps it under a name that is not known here.
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
        body: The jaxpr of an iteration, from constants, carry and x to carry and y.
        constants: How many operands are the same in each iteration.
        carried: How many are carried from one to the next; the others are scanned.
    """

    body: Any
    constants: int
    carried: int

    @classmethod
    def of(cls, equation: Any) -> "Scan":
        """The parts, told apart by their ranks: what is scanned or stacked has one axis more.

        The parameters that count them have other names in each version of JAX.
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
        # of a batch, what has ended stays
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
    # four functions, the third of which solves; the constants of each, then the right side
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
"""The operations that call others."""
