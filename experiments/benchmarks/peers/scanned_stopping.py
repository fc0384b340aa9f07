"""JAX for many shuffled runs that stop early: a jitted epoch of `lax.scan` under `vmap`.

A scan cannot stop early, but the Python loop around it ends with the epoch in which the last of its
runs stops. The stopping step of each run is determined afterwards.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from experiments.benchmarks.work import Final
from experiments.reported import LOGISTIC_RATE
from mnist_jax.data import Examples, Split

BATCH, EPOCHS, LAG = 128, 50, 10
RUNS_PER_PROGRAM = 50
"""Number of runs of one program, whose batches of a step take 20 MB."""


def _arrays(examples: Examples) -> tuple[Array, Array]:
    ones = np.ones((len(examples.labels), 1))
    inputs = np.concatenate([examples.images / 127.5 - 1, ones], axis=1)
    return jnp.asarray(inputs, jnp.float32), jnp.asarray(examples.labels, jnp.float32)


def loss_of(weights: Array, inputs: Array, labels: Array) -> Array:
    """Computes the mean loss."""
    logits = inputs @ weights
    return jnp.mean(jax.nn.softplus(logits) - labels * logits)


def _accuracy(weights: Array, inputs: Array, labels: Array) -> Array:
    return jnp.mean((inputs @ weights > 0) == (labels > 0.5))


def _epoch(
    weights: Array, batches: Array, first: Array, train: tuple, validation: tuple, *, every: int
) -> tuple[Array, Final]:
    inputs, labels = train

    def step(weights: Array, batch: tuple[Array, Array]) -> tuple[Array, Final]:
        number, rows = batch
        weights = weights - LOGISTIC_RATE * jax.grad(loss_of)(weights, inputs[rows], labels[rows])
        measured = jax.lax.cond(
            number % every == 0,
            lambda: (
                loss_of(weights, *validation),
                _accuracy(weights, *validation),
                _accuracy(weights, *train),
            ),
            lambda: (jnp.zeros(()),) * 3,
        )
        return weights, Final(*measured)  # type: ignore[arg-type]

    return jax.lax.scan(step, weights, (first + jnp.arange(len(batches)), batches))


def stopping_steps(
    losses: Float[np.ndarray, "runs evaluations"], every: int
) -> Int[np.ndarray, " runs"]:
    """Returns the first step at which the loss is not below that ten evaluations ago, or -1."""
    earlier = np.concatenate([np.full((len(losses), LAG), np.inf), losses], axis=1)
    stops = ~(losses < earlier[:, : losses.shape[1]])
    return np.where(stops.any(axis=1), stops.argmax(axis=1) * every, -1)


def prepare(split: Split, seeds: Sequence[int]) -> Callable[[], Int[np.ndarray, " runs"]]:
    """Prepares shuffled runs of logistic regression with early stopping.

    Args:
        split: Training and validation examples of two digits, labelled 0 and 1.
        seeds: Seeds of the runs.

    Returns:
        Function that trains the runs and returns their stopping steps; -1 for a run that does not
        stop.
    """
    train, validation = map(_arrays, split)
    steps = len(train[1]) // BATCH
    every = max(1, steps // 5)
    mapped = jax.vmap(partial(_epoch, every=every), (0, 0, None, None, None))
    compiled = jax.jit(mapped)

    def orders(seeds: Sequence[int], epoch: int) -> np.ndarray:
        rngs = [np.random.default_rng([seed, epoch]) for seed in seeds]
        order = np.stack(
            [rng.permutation(np.arange(len(train[1]), dtype=np.int32)) for rng in rngs]
        )
        return order[:, : steps * BATCH].reshape(len(seeds), steps, BATCH)

    def train_runs(seeds: Sequence[int]) -> np.ndarray:
        weights, losses = jnp.zeros((len(seeds), train[0].shape[1])), np.zeros((len(seeds), 0))
        stopped = np.full(len(seeds), -1)
        for epoch in range(EPOCHS):
            first = epoch * steps
            weights, measured = compiled(weights, orders(seeds, epoch), first, train, validation)
            evaluated = (first + np.arange(steps)) % every == 0
            new_losses = np.asarray(measured.validation_loss)[:, evaluated]
            losses = np.concatenate([losses, new_losses], axis=1)
            stopped = stopping_steps(losses, every)
            if (stopped >= 0).all():
                break
        return stopped

    def run() -> np.ndarray:
        starts = range(0, len(seeds), RUNS_PER_PROGRAM)
        return np.concatenate([train_runs(seeds[i : i + RUNS_PER_PROGRAM]) for i in starts])

    return run
