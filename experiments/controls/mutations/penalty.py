"""Wrong gradients of task 4a: mistakes in the penalty."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from experiments.controls.mutations.mutation import EXAMPLES, Mutation
from mnist_jax.gradients import softmax_gradient

Weights = Float[Array, "K I"]


def _mistake(
    name: str, wrong: str, penalty: Callable[[Weights, Float[Array, ""]], Weights]
) -> Mutation:
    """Makes a mistake in the penalty, a function of the weights and lambda."""

    def gradient(w: Weights, x: Array, y: Array, l2: Float[Array, ""]) -> Weights:
        return softmax_gradient(w, x, y) + penalty(w, l2)

    return Mutation(name, "4a", wrong, gradient)


PENALTY = (
    _mistake("no penalty", "2λw missing", lambda w, l2: jnp.zeros_like(w)),
    _mistake("λ for 2λ", "as of R = ‖w‖²/2", lambda w, l2: l2 * w),
    _mistake("2w without λ", "λ = 1", lambda w, l2: 2 * w),
    _mistake("4λw", "2 twice", lambda w, l2: 4 * l2 * w),
    _mistake("λ²", "multiplied with λ again", lambda w, l2: 2 * l2**2 * w),
    _mistake("penalty's sign", "-2λw, away from zero", lambda w, l2: -2 * l2 * w),
    _mistake("penalty of the mean", "2λw/N", lambda w, l2: 2 * l2 * w / EXAMPLES),
    _mistake("mean square", "2λw over the number of weights", lambda w, l2: 2 * l2 * w / w.size),
    _mistake("bias not penalised", "last column", lambda w, l2: 2 * l2 * w.at[:, -1].set(0)),
    _mistake("bias alone penalised", "the others", lambda w, l2: 2 * l2 * w.at[:, :-1].set(0)),
    _mistake("first class alone penalised", "row 0", lambda w, l2: 2 * l2 * w.at[1:].set(0)),
    _mistake("L1", "λ sign(w)", lambda w, l2: l2 * jnp.sign(w)),
    _mistake("square of the size", "2λ|w|", lambda w, l2: 2 * l2 * jnp.abs(w)),
    _mistake("norm not squared", "λw/‖w‖", lambda w, l2: l2 * w / jnp.linalg.norm(w)),
    _mistake("penalty itself", "λw² for its derivative", lambda w, l2: l2 * w**2),
    _mistake(
        "summed over the classes",
        "2λ times the sum of the rows",
        lambda w, l2: 2 * l2 * jnp.sum(w, axis=0, keepdims=True) + 0 * w,
    ),
)
