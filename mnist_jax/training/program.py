"""The compiled part of the training loop: several evaluation periods of many runs.

Runs have the axes (orders, runs); those of one order share their batches, so that `vmap` merges
their matrix products into one wide product. Each period ends with a validation. No step depends on
the accuracy on the training set: see `training.accuracy`.
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
    train_step,
    validate,
)
from mnist_jax.training.tuning import CPU, Tuning


class TrainingData(NamedTuple):
    """Data on the device.

    Training images remain pixels, a quarter of the bytes of float32 inputs, which are computed in
    the step. The inputs of the validation set are computed once.

    Attributes:
        images: Training images.
        targets: Targets of the training images.
        labels: Labels of the training images.
        validation: Validation set.
    """

    images: Real[Array, "N features"]
    targets: Float[Array, "N ..."]
    labels: Int32[Array, " N"]
    validation: EvaluationSet


class Record(NamedTuple):
    """Measurements, with leading axes (periods, orders, runs).

    Attributes:
        train_loss: Cross entropy of the batch of each step, (periods, steps, orders, runs).
        validation: Validation after the last step of each period.
    """

    train_loss: Float[Array, "periods steps orders runs"]
    validation: Validation


def device_data(model: Model, settings: TrainingSettings, split: Split) -> TrainingData:
    """Transfers a split to the device, with the targets and inputs of the model."""
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
    """Trains all runs for several periods; pure and compiled.

    Args:
        model: Model; static.
        settings: Settings of the program; static.
        states: States of the runs, (orders, runs).
        hyperparameters: Hyperparameters of the runs, (orders, runs).
        batches: Indices of the training examples of each batch.
        data: Training and validation examples.
        first_step: Global step of the first batch. Negative steps are padding, so that a period can
            end with step 0.
        num_steps: Number of global steps; later steps are padding.
        tuned: Tuning of the device; static.

    Returns:
        The new states, the measurements, and the weights after each period, with leading axes
        (periods, orders, runs). If `tuned` does not check each step, a run with weights that are
        not finite has diverged, and its other results are invalid.
    """
    in_common = _Periods(model, settings, hyperparameters, data, num_steps, tuned)
    periods, steps, *_ = batches.shape
    firsts = first_step + steps * jnp.arange(periods, dtype=jnp.int32)
    states, (losses, validated, weights) = jax.lax.scan(in_common.one, states, (firsts, batches))
    if not tuned.check_each_step:
        finite = jax.vmap(jax.vmap(all_finite))(states.weights)
        states = states._replace(outcome=jnp.where(finite, states.outcome, Outcome.DIVERGED))
    return states, Record(losses, validated), weights


class _Periods(NamedTuple):
    """What all periods of a program have in common."""

    model: Model
    settings: TrainingSettings
    hyperparameters: Hyperparameters
    data: TrainingData
    num_steps: Int[Array, ""] | int
    tuned: Tuning

    def one(
        self, states: TrainState, period: tuple[Array, Array]
    ) -> tuple[TrainState, tuple[Array, Validation, Weights]]:
        """Trains for one period, given its first global step and its batches."""
        first, rows = period
        states, losses = self.take_steps(states, rows, first)
        states, validated = self.validate(states, first + len(rows) - 1)
        return states, (losses, validated, states.weights)

    def take_steps(
        self, states: TrainState, rows: Int32[Array, "steps orders B"], first: Int[Array, ""]
    ) -> tuple[TrainState, Float[Array, "steps orders runs"]]:
        """Takes the steps of a period, except padding."""
        data, settings, tuned = self.data, self.settings, self.tuned
        steps, orders, _ = rows.shape
        dtype = jnp.dtype(settings.precision)
        # runs of one order share the batch
        one_run = partial(train_step, self.model, settings, check_weights=tuned.check_each_step)
        step_orders = _vmap_orders(jax.vmap(one_run, (0, 0, None, None, None)), orders)
        # Gathering all batches of a period together uses two cores, which makes one run 10 %
        # faster. With many orders the batches would not fit into the cache: 32 orders are 13 %
        # faster this way.
        gathered = _gather(data, rows) if orders == 1 else None

        def one_step(i: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
            states, losses = carry
            images, targets = (
                _gather(data, rows[i])
                if gathered is None
                else jax.tree.map(lambda a: a[i], gathered)
            )
            # mapped over the orders, so that the function receives one matrix
            inputs = jax.vmap(lambda rows: settings.inputs(rows, dtype))(images)
            new_states, loss = step_orders(states, self.hyperparameters, inputs, targets, first + i)
            new_carry = new_states, losses.at[i].set(loss)
            if not tuned.masked_padding:
                return new_carry
            return jax.tree.map(partial(jnp.where, (begin <= i) & (i < end)), new_carry, carry)

        losses = jnp.full((steps, *self.hyperparameters.l2.shape), jnp.nan, dtype)
        begin, end = jnp.maximum(0, -first), jnp.minimum(steps, self.num_steps - first)
        bounds = (0, steps) if tuned.masked_padding else (begin, end)
        return jax.lax.fori_loop(*bounds, one_step, (states, losses))

    def validate(self, states: TrainState, step: Int[Array, ""]) -> tuple[TrainState, Validation]:
        """Validates all runs after the last step of a period, unless it is padding."""
        validate_runs = jax.vmap(partial(validate, self.model, self.settings), (0, None, None))
        validate_orders = jax.vmap(validate_runs, (0, None, None))

        def run(states: TrainState) -> tuple[TrainState, Validation]:
            return validate_orders(states, self.data.validation, step)

        def skip(states: TrainState) -> tuple[TrainState, Validation]:
            return states, jax.tree.map(jnp.zeros_like, jax.eval_shape(run, states)[1])

        real = step < self.num_steps
        if self.tuned.masked_padding:
            return jax.tree.map(partial(jnp.where, real), run(states), skip(states))
        # The condition is the same for all runs: outside vmap, only one branch runs.
        return jax.lax.cond(real, run, skip, states)


def _gather(
    data: TrainingData, rows: Int32[Array, "..."]
) -> tuple[Real[Array, "... features"], Float[Array, "..."]]:
    """Gathers images and targets.

    The barrier prevents fusion with the conversion to inputs, which would gather single numbers and
    take twenty times as long.
    """
    return jax.lax.optimization_barrier((data.images[rows], data.targets[rows]))


def _vmap_orders(step_runs: Callable[..., Any], orders: int) -> Callable[..., Any]:
    """Maps over the orders; removes the axis of a single order.

    With that axis, even of length one, XLA transposes the inputs of every batch in memory before
    the product, which takes as long as the product.
    """
    if orders > 1:
        return jax.vmap(step_runs, (0, 0, 0, 0, None))

    def one_order(*arguments: Any) -> Any:
        *mapped, step = arguments
        results = step_runs(*jax.tree.map(lambda array: array[0], mapped), step)
        return jax.tree.map(lambda array: array[None], results)

    return one_order
