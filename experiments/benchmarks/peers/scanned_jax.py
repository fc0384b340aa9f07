"""JAX with a jitted epoch: `lax.scan` over its batches, under `vmap` for many runs."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from experiments.benchmarks.work import LEARNING_RATE, Arrays, Final, Trained, Work, arrays
from experiments.reported import LOGISTIC_RATE
from mnist_jax.data import Split

BATCH, EPOCHS, LAG = 128, 50, 10
RUNS_PER_PROGRAM = 50
"""Number of runs that stop early in one program, whose batches of a step take 20 MB."""


class Model(NamedTuple):
    """A model and its learning rate."""

    # function of logits and targets that returns the mean loss of a batch
    loss: Callable[[Any, Any], Array]
    # function of logits and labels that returns which predictions are correct
    hits: Callable[[Any, Any], Array]
    rate: float  # learning rate


SOFTMAX = Model(
    lambda logits, targets: -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(logits), axis=1)),
    lambda logits, labels: jnp.argmax(logits, axis=1) == labels,
    LEARNING_RATE,
)
LOGISTIC = Model(
    lambda logits, labels: jnp.mean(jax.nn.softplus(logits) - labels * logits),
    lambda logits, labels: (logits > 0) == (labels > 0.5),
    LOGISTIC_RATE,
)


class Data(NamedTuple):
    """Examples on the device."""

    train: Arrays
    validation: Arrays


def evaluate(model: Model, weights: Array, data: Data) -> Final:
    """Computes loss and accuracies."""
    logits = data.validation.inputs @ weights
    loss = model.loss(logits, data.validation.targets)
    hits = model.hits(logits, data.validation.labels)
    train_hits = model.hits(data.train.inputs @ weights, data.train.labels)
    return Final(*map(jnp.mean, (loss, hits, train_hits)))  # type: ignore[arg-type]


def epoch(
    weights: Array,
    l2: Array | None,
    batches: Array,
    first: Array,
    data: Data,
    *,
    model: Model,
    every: int,
) -> tuple[Array, tuple[Array, Final]]:
    """Takes the steps of an epoch of one run; returns the losses and the evaluations."""
    train = data.train

    def objective(weights: Array, inputs: Array, targets: Array) -> tuple[Array, Array]:
        loss = model.loss(inputs @ weights, targets)
        return (loss if l2 is None else loss + l2 * jnp.sum(weights**2)), loss

    def step(weights: Array, batch: tuple[Array, Array]) -> tuple[Array, tuple[Array, Final]]:
        number, rows = batch
        gradient, loss = jax.grad(objective, has_aux=True)(
            weights, train.inputs[rows], train.targets[rows]
        )
        weights = weights - model.rate * gradient
        nothing = Final(*[jnp.zeros(())] * 3)  # type: ignore[arg-type]
        measured = jax.lax.cond(
            number % every == 0, lambda: evaluate(model, weights, data), lambda: nothing
        )
        return weights, (loss, measured)

    return jax.lax.scan(step, weights, (first + jnp.arange(len(batches)), batches))


def prepare(work: Work, runs: int | None = None) -> Trained:
    """Prepares the work in JAX, one epoch at a time.

    With a number of runs, these have different penalties and run under `vmap`.
    """
    data = Data(*(jax.tree.map(jnp.asarray, part) for part in arrays(work.split, "float32")))
    one_epoch = partial(epoch, model=SOFTMAX, every=work.evaluate_every)
    if runs is not None:
        one_epoch = jax.vmap(one_epoch, (0, 0, None, None, None))
    compiled, shape = jax.jit(one_epoch), () if runs is None else (runs,)
    factors = np.array(0.1 * np.arange(runs or 1) / (runs or 1), np.float32).reshape(shape)
    last_evaluation = (work.steps - 1) // work.evaluate_every * work.evaluate_every

    def run() -> Final:
        weights, measured = jnp.zeros((*shape, data.train.inputs.shape[1], 10)), []
        batches = np.stack([*work.batches()]).reshape(work.epochs, -1, work.batch_size)
        for number, rows in enumerate(batches):
            first = number * work.steps_per_epoch
            weights, evaluations = compiled(weights, factors, rows, first, data)
            measured.append(evaluations)
        _, evaluations = jax.tree.map(
            lambda *epochs: np.concatenate(epochs, axis=-1), *jax.device_get(measured)
        )
        first_run = [values.reshape(-1, work.steps)[0] for values in evaluations]
        return Final(*(float(values[last_evaluation]) for values in first_run))

    return run


def stopping_steps(split: Split, seeds: Sequence[int]) -> Int[np.ndarray, " runs"]:
    """Trains shuffled runs that stop early, of two digits labelled 0 and 1.

    A scan cannot stop early, but the Python loop around it ends with the epoch in which the last of
    its runs stops. The stopping step of each run is determined afterwards; -1 for a run that does
    not stop.
    """
    parts = (part._replace(targets=part.labels) for part in arrays(split, "float32"))
    data = Data(*(jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), part) for part in parts))
    steps = len(data.train.labels) // BATCH
    every = max(1, steps // 5)
    one_epoch = partial(epoch, model=LOGISTIC, every=every)
    compiled = jax.jit(jax.vmap(one_epoch, (0, None, 0, None, None)))

    def orders(seeds: Sequence[int], epoch: int) -> np.ndarray:
        rows = np.arange(len(data.train.labels), dtype=np.int32)
        order = [np.random.default_rng([seed, epoch]).permutation(rows) for seed in seeds]
        return np.stack(order)[:, : steps * BATCH].reshape(len(seeds), steps, BATCH)

    def train_runs(seeds: Sequence[int]) -> np.ndarray:
        weights = jnp.zeros((len(seeds), data.train.inputs.shape[1]))
        losses, stopped = np.zeros((len(seeds), 0)), np.full(len(seeds), -1)
        for epoch in range(EPOCHS):
            first = epoch * steps
            weights, (_, measured) = compiled(weights, None, orders(seeds, epoch), first, data)
            evaluated = (first + np.arange(steps)) % every == 0
            new_losses = np.asarray(measured.validation_loss)[:, evaluated]
            losses = np.concatenate([losses, new_losses], axis=1)
            stopped = first_stops(losses, every)
            if (stopped >= 0).all():
                break
        return stopped

    starts = range(0, len(seeds), RUNS_PER_PROGRAM)
    return np.concatenate([train_runs(seeds[i : i + RUNS_PER_PROGRAM]) for i in starts])


def first_stops(
    losses: Float[np.ndarray, "runs evaluations"], every: int
) -> Int[np.ndarray, " runs"]:
    """Returns the first step at which the loss is not below that ten evaluations ago, or -1."""
    earlier = np.concatenate([np.full((len(losses), LAG), np.inf), losses], axis=1)
    stops = ~(losses < earlier[:, : losses.shape[1]])
    return np.where(stops.any(axis=1), stops.argmax(axis=1) * every, -1)
