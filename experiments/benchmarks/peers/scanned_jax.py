"""JAX with a jitted epoch: `lax.scan` over its batches, under `vmap` for many runs."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from experiments.benchmarks.work import LEARNING_RATE, Arrays, Final, Trained, Work, arrays


class Data(NamedTuple):
    """Examples on the device."""

    train: Arrays
    validation: Arrays


def objective(weights: Array, inputs: Array, targets: Array, l2: Array) -> tuple[Array, Array]:
    """Computes the mean loss of a batch, with and without the penalty."""
    logs = jax.nn.log_softmax(inputs @ weights)
    loss = -jnp.mean(jnp.sum(targets * logs, axis=1))
    return loss + l2 * jnp.sum(weights**2), loss


def evaluate(weights: Array, data: Data) -> Final:
    """Computes loss and accuracies."""
    logits = data.validation.inputs @ weights
    loss = -jnp.mean(jnp.sum(data.validation.targets * jax.nn.log_softmax(logits), axis=1))
    hits = jnp.argmax(logits, axis=1) == data.validation.labels
    train_hits = jnp.argmax(data.train.inputs @ weights, axis=1) == data.train.labels
    return Final(*map(jnp.mean, (loss, hits, train_hits)))  # type: ignore[arg-type]


def epoch(
    weights: Array, l2: Array, batches: Array, first: Array, data: Data, *, every: int
) -> tuple[Array, tuple[Array, Final]]:
    """Takes the steps of an epoch of one run; returns the losses and the evaluations."""
    train = data.train

    def step(weights: Array, batch: tuple[Array, Array]) -> tuple[Array, tuple[Array, Final]]:
        number, rows = batch
        gradient, loss = jax.grad(objective, has_aux=True)(
            weights, train.inputs[rows], train.targets[rows], l2
        )
        weights = weights - LEARNING_RATE * gradient
        nothing = Final(*[jnp.zeros(())] * 3)  # type: ignore[arg-type]
        measured = jax.lax.cond(
            number % every == 0, lambda: evaluate(weights, data), lambda: nothing
        )
        return weights, (loss, measured)

    return jax.lax.scan(step, weights, (first + jnp.arange(len(batches)), batches))


def prepare(work: Work, runs: int | None = None) -> Trained:
    """Prepares the work in JAX, one epoch at a time.

    Args:
        work: Work to prepare.
        runs: Number of runs with different penalties under `vmap`; None for one run without it.

    Returns:
        Function that trains from the beginning.
    """
    data = Data(*(jax.tree.map(jnp.asarray, part) for part in arrays(work.split, "float32")))
    one_epoch = partial(epoch, every=work.evaluate_every)
    if runs is not None:
        one_epoch = jax.vmap(one_epoch, (0, 0, None, None, None))
    compiled, shape = jax.jit(one_epoch), () if runs is None else (runs,)
    factors = np.array(0.1 * np.arange(runs or 1) / (runs or 1), np.float32).reshape(shape)
    last_evaluation = (work.steps - 1) // work.evaluate_every * work.evaluate_every

    def run() -> Final:
        rng = np.random.default_rng(0)
        weights = jnp.zeros((*shape, data.train.inputs.shape[1], 10))
        measured = []
        for number in range(work.epochs):
            order = rng.permutation(len(data.train.labels))[
                : work.steps_per_epoch * work.batch_size
            ]
            batches = order.reshape(-1, work.batch_size)
            first = number * work.steps_per_epoch
            weights, evaluations = compiled(weights, factors, batches, first, data)
            measured.append(evaluations)
        _, evaluations = jax.tree.map(
            lambda *epochs: np.concatenate(epochs, axis=-1), *jax.device_get(measured)
        )
        first_run = [values.reshape(-1, work.steps)[0] for values in evaluations]
        return Final(*(float(values[last_evaluation]) for values in first_run))

    return run
