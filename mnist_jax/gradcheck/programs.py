"""The compiled programs of a check: made once for a loss and a gradient, used at every point."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.stages import Lowered, Wrapped
from jaxtyping import Array, Float, PyTree

from mnist_jax.gradcheck import rounding
from mnist_jax.gradcheck.differences import STEPS
from mnist_jax.gradcheck.problem import Problem


class Programs(NamedTuple):
    """A loss and its gradients, each as one compiled program.

    All take a problem's arguments, after those that are named.

    Attributes:
        traceable: Whether JAX can trace the gradient; one that computes with NumPy runs as it
            is, without compilation.
        loss: The loss.
        analytic: The hand-written gradient.
        reverse: Autodiff's, in reverse mode.
        batched: Both gradients, (analytic, reverse), at points stacked along a leading axis.
        forward: (directions, *arguments) to the derivative in each direction, in forward mode.
        lines: (directions, steps, *arguments) to the loss at each step along each direction.
        sampled: (unit of roundoff, smallest number, directions, *arguments) to `Rounded`, with
            random rounding.
    """

    traceable: bool
    loss: Wrapped
    analytic: Callable[..., PyTree[Array]]
    reverse: Wrapped
    batched: Wrapped
    forward: Wrapped
    lines: Wrapped
    sampled: Wrapped

    def lowered(self, problem: Problem, directions: PyTree, points: PyTree) -> Iterator[Lowered]:
        """Each program as it is used for a problem, ready to be compiled.

        Args:
            problem: In the precision in which it is to be evaluated.
            directions: Stacked along a leading axis, in that precision.
            points: Of the differentiated argument, stacked likewise.

        Yields:
            The programs, lowered; those that are used in float64 only, for that only.
        """
        arguments = problem.arguments
        for program in (self.loss, self.analytic, self.reverse):
            if isinstance(program, Wrapped):
                yield program.lower(*arguments)
        yield self.forward.lower(directions, *arguments)
        yield self.batched.lower(*problem.at(points))
        if jax.config.read("jax_enable_x64"):
            yield self.sampled.lower(1.0, 1.0, directions, *arguments)
            yield self.lines.lower(directions, jnp.zeros(2 * len(STEPS) + 1), *arguments)


class Rounded(NamedTuple):
    """Results with random rounding, stacked along a leading axis.

    Attributes:
        loss: The value.
        analytic: The hand-written gradient.
        reverse: Autodiff's.
        forward: The derivative in each direction, in forward mode.
    """

    loss: Array
    analytic: PyTree[Array]
    reverse: PyTree[Array]
    forward: Array


def compile_programs(problem: Problem, *, traceable: bool) -> Programs:
    """The programs of a loss and a gradient; nothing is compiled before it is used.

    Args:
        problem: For the two functions and `argnum`; its arguments are not used.
        traceable: Whether the gradient can be traced.

    Returns:
        The programs.
    """
    loss, gradient, argnum = problem.loss, problem.gradient, problem.argnum
    reverse = jax.grad(loss, argnum)
    # without a trace of it, the hand-written gradient is taken to round like autodiff's
    analytic = gradient if traceable else reverse

    def lines(directions: PyTree, steps: Array, *arguments: Any) -> Array:
        def line(direction: PyTree) -> Array:
            return jax.lax.map(functools.partial(_along, loss, argnum, direction, arguments), steps)

        return jax.lax.map(line, directions)

    def forward(directions: PyTree, *arguments: Any) -> Array:
        def derivative(direction: PyTree) -> Array:
            along = functools.partial(_along, loss, argnum, direction, arguments)
            one = jnp.ones((), jax.tree.leaves(direction)[0].dtype)
            return jax.jvp(along, (0 * one,), (one,))[1]

        return jax.vmap(derivative)(directions)

    def rounded(directions: PyTree, *arguments: Any) -> Rounded:
        value, theirs = jax.value_and_grad(loss, argnum)(*arguments)
        return Rounded(value, analytic(*arguments), theirs, forward(directions, *arguments))

    def batched(*arguments: Any) -> tuple[PyTree[Array], PyTree[Array]]:
        axes = [None] * len(arguments)
        axes[argnum] = 0  # type: ignore[call-overload]
        return tuple(jax.vmap(f, axes)(*arguments) for f in (analytic, reverse))  # type: ignore[return-value]

    return Programs(
        traceable,
        jax.jit(loss),
        jax.jit(gradient) if traceable else gradient,
        jax.jit(reverse),
        jax.jit(batched),
        jax.jit(forward),
        jax.jit(lines),
        jax.jit(rounding.sampled(rounded)),
    )


def _along(
    loss: Callable[..., Array],
    argnum: int,
    direction: PyTree,
    arguments: tuple[Any, ...],
    step: Float[Array, ""],
) -> Array:
    """The loss at x + h v."""
    moved = jax.tree.map(lambda x, v: x + step * v, arguments[argnum], direction)
    return loss(*arguments[:argnum], moved, *arguments[argnum + 1 :])
