"""Evaluates a loss equation by equation, with changes to some results."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mnist_jax import compat
from mnist_jax.compat import CALLS, RULES, ClosedJaxpr, Jaxpr, Literal, Scan, called

# operations between a loss and its terms
SUMS = {"add", "sub", "neg", "add_any", "reshape", "squeeze", "convert_element_type", "copy"}
SCALINGS = {"mul", "div"}


class Equation(NamedTuple):
    """An equation of the loss; calls of jitted functions are inlined.

    Attributes:
        number: Number of the equation, in the order of evaluation.
        name: Name of the primitive, or of the function with a custom derivative rule.
        operands: Values of the operands.
        results: Values of the results.
        jaxpr: Equation in the jaxpr.
    """

    number: int
    name: str
    operands: list[Any]
    results: list[Any]
    jaxpr: Any


Change = Callable[[Equation], Sequence[Any]]


def evaluate(closed: ClosedJaxpr, inputs: Sequence[Any], change: Change) -> Any:
    """Evaluates a loss in JAX with other results of some equations, as a function to trace."""
    numbers = {id(equation): i for i, equation in enumerate(equations(closed))}
    return _run(closed.jaxpr, closed.consts, inputs, change, numbers)[0]


def without_rules(
    closed: ClosedJaxpr, inputs: Sequence[Any], change: Change = lambda each: each.results
) -> list[Any]:
    """Evaluates a function without its rules by `custom_jvp` and `custom_vjp`."""
    return _run(closed.jaxpr, closed.consts, inputs, change, None, CALLS | RULES)


def _run(
    jaxpr: Jaxpr,
    constants: Sequence[Any],
    inputs: Sequence[Any],
    change: Change,
    numbers: dict[int, int] | None,
    opened: frozenset[str] = CALLS,
) -> list[Any]:
    known = dict(zip(jaxpr.constvars, constants, strict=True))
    known |= zip(jaxpr.invars, inputs, strict=True)

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for equation in jaxpr.eqns:
        operands = [read(variable) for variable in equation.invars]
        if (inner := called_by(equation, opened)) is not None:
            results = _run(inner.jaxpr, inner.consts, operands, change, numbers, opened)
        elif equation.primitive.name == "scan":
            results = _scan(equation, operands, change, numbers, opened)
        else:
            parameters = equation.primitive.get_bind_params(equation.params)
            results = equation.primitive.bind(*operands, **parameters)
            results = list(results) if equation.primitive.multiple_results else [results]
            name = function_name(equation)
            number = -1 if numbers is None else numbers[id(equation)]
            results = change(Equation(number, name, operands, results, equation))
        known |= zip(equation.outvars, results, strict=True)
    return [read(variable) for variable in jaxpr.outvars]


def _scan(
    equation: Any,
    operands: list[Any],
    change: Change,
    numbers: dict[int, int] | None,
    opened: frozenset[str],
) -> list[Any]:
    """Evaluates a scan with changes to its body."""
    parts = Scan.of(equation)
    body, first = parts.body, parts.constants + parts.carried

    def step(carry: list[Any], x: list[Any]) -> tuple[list[Any], list[Any]]:
        inputs = [*operands[: parts.constants], *carry, *x]
        results = _run(body.jaxpr, body.consts, inputs, change, numbers, opened)
        return results[: parts.carried], results[parts.carried :]

    carry, ys = jax.lax.scan(
        step,
        operands[parts.constants : first],
        operands[first:],
        parts.length,
        parts.reverse,
    )
    return [*carry, *ys]


def called_by(equation: Any, opened: frozenset[str] = CALLS) -> ClosedJaxpr | None:
    """Returns the jaxpr of the function that an equation calls, if it is to be inlined."""
    return called(equation) if equation.primitive.name in opened else None


def function_name(equation: Any) -> str:
    """Returns the name of the function that an equation computes."""
    name = compat.function_name(equation)
    return {"logistic": "sigmoid", "max": "maximum", "integer_pow": "power"}.get(name, name)


def equations(closed: ClosedJaxpr, opened: frozenset[str] = CALLS) -> list[Any]:
    """Returns the equations that `evaluate` numbers; each equation of a repeated function once."""
    found = _equations(closed.jaxpr, opened=opened)
    return list({id(equation): equation for equation in found}.values())


def in_loops(closed: ClosedJaxpr) -> set[int]:
    """Returns the numbers of the equations inside scans, whose values are not accessible."""
    inside = {
        id(equation)
        for scan in _equations(closed.jaxpr, open_loops=False)
        if scan.primitive.name == "scan"
        for equation in _equations(Scan.of(scan).body.jaxpr)
    }
    return {i for i, equation in enumerate(equations(closed)) if id(equation) in inside}


def _equations(
    jaxpr: Jaxpr, *, open_loops: bool = True, opened: frozenset[str] = CALLS
) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        inner = called_by(equation, opened)
        if inner is None and equation.primitive.name == "scan" and open_loops:
            inner = Scan.of(equation).body
        if inner is not None:
            yield from _equations(inner.jaxpr, open_loops=open_loops, opened=opened)
        else:
            yield equation


def terms(closed: ClosedJaxpr) -> list[int]:
    """Returns the numbers of the equations that compute the terms of a loss."""
    number = {id(equation): i for i, equation in enumerate(equations(closed))}

    def of(jaxpr: Jaxpr, variable: Any) -> Iterator[int]:
        made_by = {v: equation for equation in jaxpr.eqns for v in equation.outvars}
        equation = None if isinstance(variable, Literal) else made_by.get(variable)
        if equation is None or getattr(variable.aval, "shape", None) not in {(), (1,)}:
            return
        inner = called_by(equation)
        name = equation.primitive.name
        scalars = [v for v in equation.invars if not isinstance(v, Literal) and v in made_by]
        if inner is not None:
            yield from of(
                inner.jaxpr, inner.jaxpr.outvars[[*map(id, equation.outvars)].index(id(variable))]
            )
        elif name in SUMS or (name in SCALINGS and len(scalars) == 1):
            inner = [list(of(jaxpr, operand)) for operand in equation.invars]
            found = [i for each in inner for i in each]
            yield from found or [number[id(equation)]]
        else:
            yield number[id(equation)]

    return list(of(closed.jaxpr, closed.jaxpr.outvars[0]))


def inputs_of(closed: ClosedJaxpr) -> list[set[int]]:
    """Returns the positions of the inputs that each equation depends on.

    Constants have negative positions, from -1.
    """
    jaxpr = closed.jaxpr
    known: dict[Any, set[int]] = {v: {i} for i, v in enumerate(jaxpr.invars)}
    known |= {v: {-1 - i} for i, v in enumerate(jaxpr.constvars)}
    found: dict[int, set[int]] = {}

    def of(variable: Any) -> set[int]:
        return set() if isinstance(variable, Literal) else known.get(variable, set())

    def walk(jaxpr: Jaxpr) -> None:
        for equation in jaxpr.eqns:
            depends = set().union(*map(of, equation.invars))
            inner = called_by(equation)
            if equation.primitive.name == "scan":
                inner = Scan.of(equation).body
            if inner is not None:
                known.update(zip(inner.jaxpr.invars, map(of, equation.invars), strict=True))
                walk(inner.jaxpr)
            known.update((variable, depends) for variable in equation.outvars)
            found[id(equation)] = found.get(id(equation), set()) | depends

    walk(jaxpr)
    return [found[id(equation)] for equation in equations(closed)]


def constant(result: Any) -> Any:
    """Removes the derivative of a value."""
    return jax.lax.stop_gradient(result)


def identity(equation: Equation) -> list[Any]:
    """Replaces the derivative of an activation by one."""
    [result], operand = equation.results, argument_of(equation)
    return [operand + constant(result - operand)]


def argument_of(equation: Equation) -> Any:
    """Returns the operand that an elementwise function is applied to."""
    shape = jnp.shape(equation.results[0])
    return next(x for x in equation.operands if jnp.shape(x) == shape)
