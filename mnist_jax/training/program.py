"""The compiled part of the training loop: some steps of many runs as one program.

Runs are laid out as (orders, runs): those of one order share their batches, so that `vmap` merges
their matrix products into one wide product. The steps come in periods, each of which ends with a
validation. The accuracy on the training set is not needed by any step: see `training.accuracy`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Int32, Real

from mnist_jax.data import Split
from mnist_jax.models import Model, Weights
from mnist_jax.training.settings import Hyperparameters, TrainingSettings
from mnist_jax.training.step import (
    EvaluationSet,
    Outcome,
    TrainState,
    Validation,
    all_finite,
    no_validation,
    train_step,
    validate,
)
from mnist_jax.training.tuning import CPU, Tuning


class TrainingData(NamedTuple):
    """The data on the device.

    Batches are gathered as they are given: pixels are a quarter of the bytes of float32 inputs,
    which are made inside the step. The validations share inputs that are made once.

    Attributes:
        images: Training images.
        targets: Targets of the training images.
        labels: Labels of the training images.
        validation: The whole validation set.
    """

    images: Real[Array, "N features"]
    targets: Float[Array, "N ..."]
    labels: Int32[Array, " N"]
    validation: EvaluationSet


class Record(NamedTuple):
    """What was measured, with leading axes (periods, orders, runs).

    Attributes:
        train_loss: Cross entropy of every step's batch, (periods, steps, orders, runs).
        validation: After the last step of every period.
    """

    train_loss: Float[Array, "periods steps orders runs"]
    validation: Validation


def device_data(model: Model, settings: TrainingSettings, split: Split) -> TrainingData:
    """Puts a split on the device, in the form the model takes.

    Args:
        model: Makes targets of labels.
        settings: Gives the dtype, and makes inputs of images.
        split: Training and validation examples.

    Returns:
        The data.
    """
    labels = [np.asarray(examples.labels, np.int32) for examples in split]
    make = partial(_make_data, model, settings.inputs, jnp.dtype(settings.precision))
    return make(jnp.asarray(split.train.images), split.validation.images, *labels)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _make_data(
    model: Model,
    inputs_of: Callable[..., Array],
    dtype: DTypeLike,
    train_images: Real[Array, "N features"],
    validation_images: Real[Array, "V features"],
    train_labels: Int32[Array, " N"],
    validation_labels: Int32[Array, " V"],
) -> TrainingData:
    train_targets, validation_targets = (
        model.targets(labels, dtype) for labels in (train_labels, validation_labels)
    )
    inputs = inputs_of(validation_images, dtype).T
    validation = EvaluationSet(inputs, validation_targets, validation_labels)
    return TrainingData(train_images, train_targets, train_labels, validation)


@partial(jax.jit, static_argnums=(0, 1), static_argnames="tuned")
def train_periods(
    model: Model,
    settings: TrainingSettings,
    states: TrainState,
    hyperparameters: Hyperparameters,
    batches: Int32[Array, "periods steps orders B"],
    data: TrainingData,
    first_step: Int[Array, ""] | int,
    num_steps: Int[Array, ""] | int,
    *,
    tuned: Tuning = CPU,
) -> tuple[TrainState, Record, Weights]:
    """Some periods of every run, as one compiled program; pure.

    Args:
        model: The model, static.
        settings: What fixes the program, static.
        states: The runs, (orders, runs).
        hyperparameters: Hyperparameters of the runs, (orders, runs).
        batches: Indices of the training examples of each step's batches.
        data: Training and validation examples.
        first_step: The global step of the first batch. Steps before 0 are left out, so that a
            period can end with step 0.
        num_steps: The number of global steps; those from here on are left out.
        tuned: Tuning of the device, static.

    Returns:
        The runs after the last period, what was measured, and the weights after each period, with
        leading axes (periods, orders, runs). If `tuned` does not check each step, runs whose
        weights are not finite are said to have diverged, and their other results mean nothing.
    """

    def one_period(
        states: TrainState, period: tuple[Array, Array]
    ) -> tuple[TrainState, tuple[Array, Validation, Weights]]:
        first, rows = period
        states, losses = _train_period(
            model, settings, states, hyperparameters, rows, data, first, num_steps, tuned=tuned
        )
        states, validated = _validate_period(
            *(model, settings, states, data.validation, first + len(rows) - 1, num_steps),
            tuned=tuned,
        )
        return states, (losses, validated, states.weights)

    periods, steps, *_ = batches.shape
    firsts = first_step + steps * jnp.arange(periods, dtype=jnp.int32)
    states, (losses, validated, weights) = jax.lax.scan(one_period, states, (firsts, batches))
    if not tuned.check_each_step:
        finite = jax.vmap(jax.vmap(all_finite))(states.weights)
        states = states._replace(outcome=jnp.where(finite, states.outcome, Outcome.DIVERGED))
    return states, Record(losses, validated), weights


def _train_period(
    model: Model,
    settings: TrainingSettings,
    states: TrainState,
    hyperparameters: Hyperparameters,
    rows: Int32[Array, "steps orders B"],
    data: TrainingData,
    first: Int[Array, ""],
    num_steps: Int[Array, ""] | int,
    *,
    tuned: Tuning,
) -> tuple[TrainState, Float[Array, "steps orders runs"]]:
    """The steps of a period that are not left out; `first` is the global step of the first."""
    steps, orders, _ = rows.shape
    dtype = jnp.dtype(settings.precision)
    # runs of one order share the batch
    one_run = partial(train_step, model, settings, check_weights=tuned.check_each_step)
    step_runs = jax.vmap(one_run, (0, 0, None, None, None))
    step_orders = _vmap_orders(step_runs, orders)
    # Two cores share the gathering of a period's batches, which makes one run 10 % faster. With
    # many orders they would leave the cache: step by step, 32 orders are 13 % faster.
    together = _gather(data, rows) if orders == 1 else None

    def one_step(i: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
        states, losses = carry
        images, targets = (
            _gather(data, rows[i]) if together is None else jax.tree.map(lambda a: a[i], together)
        )
        # for each order, so that the function sees the rows of one matrix
        inputs = jax.vmap(lambda rows: settings.inputs(rows, dtype))(images)
        moved, loss = step_orders(states, hyperparameters, inputs, targets, first + i)
        return moved, losses.at[i].set(loss)

    def one_step_if_taken(i: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
        taken = (begin <= i) & (i < end)
        return jax.tree.map(partial(jnp.where, taken), one_step(i, carry), carry)

    losses = jnp.full((steps, *hyperparameters.l2.shape), jnp.nan, dtype)
    begin, end = jnp.maximum(0, -first), jnp.minimum(steps, num_steps - first)
    if tuned.whole_periods:
        return jax.lax.fori_loop(0, steps, one_step_if_taken, (states, losses))
    return jax.lax.fori_loop(begin, end, one_step, (states, losses))


def _gather(
    data: TrainingData, rows: Int32[Array, "..."]
) -> tuple[Real[Array, "... features"], Float[Array, "..."]]:
    """Images and targets, as they are kept.

    Fused with what makes inputs of pixels, a gather goes number by number and takes twenty times as
    long.
    """
    return jax.lax.optimization_barrier((data.images[rows], data.targets[rows]))


def _validate_period(
    model: Model,
    settings: TrainingSettings,
    states: TrainState,
    validation: EvaluationSet,
    step: Int[Array, ""],
    num_steps: Int[Array, ""] | int,
    *,
    tuned: Tuning,
) -> tuple[TrainState, Validation]:
    """Validates all runs after a period whose last step is `step`, if that is not left out."""
    validate_runs = jax.vmap(partial(validate, model, settings), (0, None, None))
    validate_orders = jax.vmap(validate_runs, (0, None, None))

    def do(states: TrainState) -> tuple[TrainState, Validation]:
        return validate_orders(states, validation, step)

    def skip(states: TrainState) -> tuple[TrainState, Validation]:
        return states, no_validation(states.outcome.shape, settings.precision)

    if tuned.whole_periods:
        taken = step < num_steps
        return jax.tree.map(partial(jnp.where, taken), do(states), skip(states))
    # The condition is the same for all runs: outside vmap, only one of the branches runs.
    return jax.lax.cond(step < num_steps, do, skip, states)


def _vmap_orders(step_runs: Callable[..., Any], orders: int) -> Callable[..., Any]:
    """Maps over the orders; a single one is taken out instead.

    With a leading axis, even of length one, XLA transposes the inputs of every batch in memory
    before it multiplies them, which takes as long as the product.
    """
    if orders > 1:
        return jax.vmap(step_runs, (0, 0, 0, 0, None))

    def one_order(*arguments: Any) -> Any:
        *mapped, step = arguments
        results = step_runs(*jax.tree.map(lambda array: array[0], mapped), step)
        return jax.tree.map(lambda array: array[None], results)

    return one_order
