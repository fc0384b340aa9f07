"""Gradients of a loss with some of its derivatives changed, and of its terms."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax.compat import Literal
from mnist_jax.gradcheck.arithmetic.sampling import unrounded
from mnist_jax.gradcheck.functions import Traced
from mnist_jax.gradcheck.mistakes import surgery
from mnist_jax.gradcheck.mistakes.data import data_of
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.tuning import EPSILON, EQUATIONS
from mnist_jax.precision import in_precision

Leaves = list[np.ndarray]
Gradient = Callable[[Problem], Leaves]
# predicate of a sentence that starts with "the gradient", and the gradient with that mistake
Hypothesis = tuple[str, Gradient]


class Loss:
    """A traced loss in float64, whose equations can be changed."""

    def __init__(self, traced: Traced, moving: int) -> None:
        self.traced, self.moving = traced, moving
        self.equations = surgery.equations(traced.closed)
        self.inputs_of = surgery.inputs_of(traced.closed)

    def gradient(self, change: surgery.Change, problem: Problem) -> Leaves:
        """Computes the gradient of the loss with some results changed."""
        return self.gradient_of(
            lambda xs: surgery.evaluate(self.traced.closed, xs, change), problem
        )

    def gradient_of(self, function: Callable[[list[Any]], Any], problem: Problem) -> Leaves:
        """Computes the gradient of a function of the loss's inputs."""
        inputs = self.traced.inputs(jax.tree.leaves(problem.arguments))
        moving, others = inputs[: self.moving], inputs[self.moving :]
        with in_precision("float64"):
            gradient = jax.grad(lambda *xs: function([*xs, *others]), tuple(range(self.moving)))
            closed = jax.make_jaxpr(gradient)(*moving)
        return unrounded(closed, moving)

    def penalty(self, problem: Problem) -> Leaves | None:
        """Computes the gradient of the terms without arrays of data; None if there are none."""
        numbers = set(surgery.terms(self.traced.closed))
        arrays = {
            i
            for i, leaf in enumerate(self.traced.inputs(jax.tree.leaves(problem.arguments)))
            if i >= self.moving and np.ndim(leaf)
        }
        with_data = {n for n in numbers if self._depends(n, arrays)}
        if len(with_data) == len(numbers):
            return None
        return self.replaced(with_data, _stop)(problem)

    def _depends(self, number: int, arrays: set[int]) -> bool:
        constants = self.traced.closed.consts
        return any(
            i in arrays or (i < 0 and np.ndim(constants[-1 - i]) > 0)
            for i in self.inputs_of[number]
        )

    def replaced(self, numbers: set[int], rule: Any) -> Callable[[Problem], Leaves]:
        """Returns the gradient with other derivatives at some equations, as a function."""

        def change(equation: surgery.Equation) -> Any:
            return rule(equation) if equation.number in numbers else equation.results

        return functools.partial(self.gradient, change)


def without_epsilons(loss: Loss) -> Hypothesis | None:
    """Returns the gradient of the loss without small constants that it adds or clips to."""

    def small(value: Any) -> bool:
        return (
            isinstance(value, Literal)
            and np.ndim(value.val) == 0
            and (0 < abs(float(value.val)) <= EPSILON)
        )

    holding = {
        i: max(float(v.val) for v in equation.invars if small(v))
        for i, equation in enumerate(loss.equations)
        if equation.primitive.name in {"add", "max", "clamp", "sub"}
        and any(small(v) for v in equation.invars)
    }
    if not holding:
        return None

    def change(equation: surgery.Equation) -> Any:
        if equation.number not in holding:
            return equation.results
        operands = [
            jnp.zeros_like(x) if small(v) else x
            for x, v in zip(equation.operands, equation.jaxpr.invars, strict=True)
        ]
        return [equation.jaxpr.primitive.bind(*operands, **equation.jaxpr.params)]

    size = max(holding.values())
    words = f"is that of the loss without its epsilon of {size:.0e}"
    return words, functools.partial(loss.gradient, change)


def _stop(equation: surgery.Equation) -> list[Any]:
    return [surgery.constant(x) for x in equation.results]


def of_terms(loss: Loss) -> list[Gradient]:
    """Returns the part of the gradient of each term of a loss that is a sum."""
    numbers = set(surgery.terms(loss.traced.closed))
    ordered = dict.fromkeys(surgery.terms(loss.traced.closed))
    return [loss.replaced(numbers - {number}, _stop) for number in ordered]


def describe_term(loss: Loss, which: int, problem: Problem) -> str:
    """Describes a term of the loss by the data in it."""
    number = list(dict.fromkeys(surgery.terms(loss.traced.closed)))[which]
    depends = loss.inputs_of[number]
    held = [
        datum.name
        for datum in data_of(loss.traced, problem)
        if datum.array.ndim
        and (-1 - datum.position if datum.constant else datum.position) in depends
    ]
    if held:
        return f"the term of the loss that holds {' and '.join(dict.fromkeys(held[:2]))}"
    return "the term of the loss that holds no data (the penalty)"


def of_axes(loss: Loss) -> Iterator[Hypothesis]:
    """Yields the error of a gradient with a softmax over the wrong axis, up to a constant.

    Yields:
        A description, and the vector-Jacobian product of the logits with the difference between the
        softmax over the other axis and over the right axis.
    """
    for number, equation in enumerate(loss.equations[:EQUATIONS]):
        if equation.primitive.name != "reduce_max" or len(equation.invars[0].aval.shape) != 2:
            continue
        [axis] = equation.params["axes"]

        def product(inputs: list[Any], number: int = number, axis: int = axis) -> Any:
            logits = []

            def note(each: surgery.Equation) -> list[Any]:
                if each.number == number:
                    logits.append(each.operands[0])
                return each.results

            surgery.evaluate(loss.traced.closed, inputs, note)
            wrong, right = (jax.nn.softmax(logits[0], a) for a in (1 - axis, axis))
            return jnp.sum(logits[0] * surgery.constant(wrong - right))

        words = f"takes the softmax over axis {1 - axis}, the loss over axis {axis}"
        yield words, functools.partial(loss.gradient_of, product)


LINEAR = {
    *("neg", "mul", "add", "sub", "copy", "convert_element_type", "reshape", "transpose"),
    *("broadcast_in_dim", "squeeze", "stop_gradient", "reduce_precision", "add_any", "rev"),
    *("select_n", "div", "integer_pow", "square", "pad", "cumsum", "power"),
}


def of_rules(loss: Loss) -> Iterator[Hypothesis]:
    """Yields gradients without the contribution, or without the derivative, of one operation."""
    chosen = [
        (number, equation)
        for number, equation in enumerate(loss.equations[:EQUATIONS])
        if len(equation.outvars) == 1
        and jnp.issubdtype(equation.outvars[0].aval.dtype, jnp.floating)
    ]
    for number, equation in chosen:
        name = surgery.function_name(equation)
        if name not in LINEAR and _is_elementwise(equation):
            words = f"leaves out the derivative of {name}"
            yield words, loss.replaced({number}, surgery.identity)
    for number, equation in chosen:
        name = surgery.function_name(equation)
        if name not in {"stop_gradient", "copy", "reshape", "convert_element_type"}:
            words = f"leaves out what depends on the argument through {name}"
            yield words, loss.replaced({number}, _stop)


def _is_elementwise(equation: Any) -> bool:
    shapes = [getattr(v.aval, "shape", None) for v in equation.invars]
    return equation.outvars[0].aval.shape in shapes
