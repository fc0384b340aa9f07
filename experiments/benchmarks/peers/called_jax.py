"""JAX with a jitted step that a Python loop calls for every batch."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work, arrays


def cross_entropy(weights: Array, inputs: Array, targets: Array) -> Array:
    """Computes the mean loss of a batch."""
    return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(inputs @ weights), axis=1))


@jax.jit
def step(weights: Array, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Updates the weights; returns them and the loss before the update."""
    loss, gradient = jax.value_and_grad(cross_entropy)(weights, inputs, targets)
    return weights - LEARNING_RATE * gradient, loss


@jax.jit
def accuracy(weights: Array, inputs: Array, labels: Array) -> Array:
    """Computes the share of correct predictions."""
    return jnp.mean(jnp.argmax(inputs @ weights, axis=1) == labels)


validation_loss = jax.jit(cross_entropy)


def prepare(work: Work) -> Trained:
    """Prepares the work in JAX, step by step."""
    train, validation = (jax.tree.map(jnp.asarray, part) for part in arrays(work.split, "float32"))

    def run() -> Final:
        weights = jnp.zeros((train.inputs.shape[1], 10))
        losses, evaluations = [], []
        for number, rows in enumerate(work.batches()):
            weights, loss = step(weights, train.inputs[rows], train.targets[rows])
            losses.append(loss)
            if number % work.evaluate_every == 0:
                loss = validation_loss(weights, validation.inputs, validation.targets)
                hits = accuracy(weights, validation.inputs, validation.labels)
                train_hits = accuracy(weights, train.inputs, train.labels)
                evaluations.append((loss, hits, train_hits))
        return Final(*(float(value) for value in jax.device_get(evaluations)[-1]))

    return run
