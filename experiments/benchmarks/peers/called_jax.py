"""JAX with a jitted step, called for every batch from a Python loop."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work, arrays


def cross_entropy(weights: Array, inputs: Array, targets: Array) -> Array:
    """The mean loss of a batch."""
    return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(inputs @ weights), axis=1))


@jax.jit
def step(weights: Array, inputs: Array, targets: Array) -> tuple[Array, Array]:
    """One update, and the loss before it."""
    loss, gradient = jax.value_and_grad(cross_entropy)(weights, inputs, targets)
    return weights - LEARNING_RATE * gradient, loss


@jax.jit
def accuracy(weights: Array, inputs: Array, labels: Array) -> Array:
    """The share of right predictions."""
    return jnp.mean(jnp.argmax(inputs @ weights, axis=1) == labels)


validation_loss = jax.jit(cross_entropy)


def prepare(work: Work) -> Trained:
    """The work in JAX, step by step."""
    train, validation = (jax.tree.map(jnp.asarray, part) for part in arrays(work.split, "float32"))

    def run() -> Final:
        rng = np.random.default_rng(0)
        weights = jnp.zeros((train.inputs.shape[1], 10))
        losses, evaluations, number = [], [], 0
        for _ in range(work.epochs):
            order = rng.permutation(len(train.labels))
            for batch in range(work.steps_per_epoch):
                rows = order[batch * work.batch_size : (batch + 1) * work.batch_size]
                weights, loss = step(weights, train.inputs[rows], train.targets[rows])
                losses.append(loss)
                if number % work.evaluate_every == 0:
                    loss = validation_loss(weights, validation.inputs, validation.targets)
                    hits = accuracy(weights, validation.inputs, validation.labels)
                    train_hits = accuracy(weights, train.inputs, train.labels)
                    evaluations.append((loss, hits, train_hits))
                number += 1
        return Final(*(float(value) for value in jax.device_get(evaluations)[-1]))

    return run
