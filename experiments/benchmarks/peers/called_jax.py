"""JAX with a jitted step that a Python loop calls for every batch."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array

from experiments.benchmarks.peers.scanned_jax import SOFTMAX, Data, evaluate
from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work, arrays


@jax.jit
def step(weights: Array, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Updates the weights; returns them and the loss before the update."""
    loss, gradient = jax.value_and_grad(lambda w: SOFTMAX.loss(inputs @ w, targets))(weights)
    return weights - LEARNING_RATE * gradient, loss


evaluation = jax.jit(partial(evaluate, SOFTMAX))


def prepare(work: Work) -> Trained:
    """Prepares the work in JAX, step by step."""
    data = Data(*(jax.tree.map(jnp.asarray, part) for part in arrays(work.split, "float32")))

    def run() -> Final:
        weights = jnp.zeros((data.train.inputs.shape[1], 10))
        losses, evaluations = [], []
        for number, rows in enumerate(work.batches()):
            weights, loss = step(weights, data.train.inputs[rows], data.train.targets[rows])
            losses.append(loss)
            if number % work.evaluate_every == 0:
                evaluations.append(evaluation(weights, data))
        return Final(*map(float, jax.device_get(evaluations)[-1]))

    return run
