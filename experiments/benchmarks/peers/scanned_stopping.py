"""JAX for many shuffled runs that stop early: a jitted epoch of `lax.scan`, for all by `vmap`.

A scan can't stop early, but the Python loop around it can: it ends with the epoch in which the last
of its runs has stopped. Which evaluation each run stops at is found afterwards.
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

BATCH, EPOCHS, AGO = 128, 50, 10
AT_ONCE = 50
"""Runs of one program: their batches of a step take 20 MB."""


def _arrays(examples: Examples) -> tuple[Array, Array]:
    ones = np.ones((len(examples.labels), 1))
    inputs = np.concatenate([examples.images / 127.5 - 1, ones], axis=1)
    return jnp.asarray(inputs, jnp.float32), jnp.asarray(examples.labels, jnp.float32)


def loss_of(weights: Array, inputs: Array, labels: Array) -> Array:
    """The mean loss."""
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
    """The step at which the loss is first not below that ten evaluations ago; -1 if at none."""
    earlier = np.concatenate([np.full((len(losses), AGO), np.inf), losses], axis=1)
    stops = ~(losses < earlier[:, : losses.shape[1]])
    return np.where(stops.any(axis=1), stops.argmax(axis=1) * every, -1)


def prepare(split: Split, seeds: Sequence[int]) -> Callable[[], Int[np.ndarray, " runs"]]:
    """Shuffled runs of logistic regression that stop early.

    Args:
        split: Training and validation examples of two digits, labelled 0 and 1.
        seeds: Seeds of the runs.

    Returns:
        What trains them, and gives the step at which each stops; -1 for one that does not.
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

    def together(seeds: Sequence[int]) -> np.ndarray:
        weights, found = jnp.zeros((len(seeds), train[0].shape[1])), np.zeros((len(seeds), 0))
        stopped = np.full(len(seeds), -1)
        for epoch in range(EPOCHS):
            first = epoch * steps
            weights, measured = compiled(weights, orders(seeds, epoch), first, train, validation)
            evaluated = (first + np.arange(steps)) % every == 0
            losses = np.asarray(measured.validation_loss)[:, evaluated]
            found = np.concatenate([found, losses], axis=1)
            stopped = stopping_steps(found, every)
            if (stopped >= 0).all():
                break
        return stopped

    def run() -> np.ndarray:
        cuts = range(0, len(seeds), AT_ONCE)
        return np.concatenate([together(seeds[start : start + AT_ONCE]) for start in cuts])

    return run
