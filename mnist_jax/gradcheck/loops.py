"""Limits the iterations of loops that run until convergence.

Such a loop may end in float64 but not in float32, where its tolerance is below the rounding error,
or at the given point but not at a drawn one. A compiled program can't be interrupted.
"""

from typing import Any

import jax
import jax.numpy as jnp

from mnist_jax.compat import CALLS, RULES, ClosedJaxpr, While, jaxpr_as_fun
from mnist_jax.gradcheck.mistakes import surgery
from mnist_jax.gradcheck.tuning import ITERATIONS


def bounded(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Returns a function whose loops end.

    Args:
        closed: Jaxpr, traced in the current precision. It is not to be differentiated: its custom
            rules are removed.

    Returns:
        A jaxpr with a limit on the iterations of each loop whose condition depends on floats. At
        the limit, results in float32 remain what they are, since they may have converged as far as
        float32 can; results in float64 become NaN, so that the point is not used.
    """
    if not until_convergence(closed):
        return closed

    def limited(each: surgery.Equation) -> list[Any]:
        return _limited(each) if _converges(each.jaxpr) else each.results

    def function(*inputs: Any) -> list[Any]:
        return surgery.without_rules(closed, inputs, limited)

    return jax.make_jaxpr(function)(*closed.in_avals)


def until_convergence(closed: ClosedJaxpr) -> bool:
    """Returns whether a function has a loop whose condition depends on floats."""
    return any(map(_converges, surgery.equations(closed, CALLS | RULES)))


def _converges(equation: Any) -> bool:
    if equation.primitive.name != "while":
        return False
    loop = While.of(equation)
    batched = loop.condition.out_avals[0].shape != ()  # such loops are left as they are
    return loop.compares_floats and not batched


def _limited(each: surgery.Equation) -> list[Any]:
    loop, operands = While.of(each.jaxpr), each.operands
    first, last = loop.asked, loop.asked + loop.constants

    def goes_on(state: tuple[Any, list[Any]]) -> Any:
        count, carry = state
        return (count < ITERATIONS) & jaxpr_as_fun(loop.condition)(*operands[:first], *carry)[0]

    def step(state: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        count, carry = state
        return count + 1, jaxpr_as_fun(loop.body)(*operands[first:last], *carry)

    count, carry = jax.lax.while_loop(goes_on, step, (jnp.zeros((), jnp.int32), operands[last:]))
    return [
        jnp.where(count < ITERATIONS, x, jnp.nan) if x.dtype == jnp.float64 else x for x in carry
    ]
