"""The training loop: one compiled program per epoch, and Python between the epochs.

It trains R runs at once; one run is R = 1. Runs are laid out as (orders, runs): those of one
order share their batches, so that `vmap` merges their matrix products into one wide product.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Int32, UInt8

from mnist_jax.data import Examples, Split
from mnist_jax.errors import UsageError
from mnist_jax.features import make_inputs
from mnist_jax.models import Model
from mnist_jax.training.history import TrainingResult, collect
from mnist_jax.training.ordering import Ordering, in_file_order
from mnist_jax.training.settings import Hyperparameters, TrainingSettings
from mnist_jax.training.step import (
    Evaluation,
    EvaluationSet,
    Outcome,
    TrainState,
    evaluate,
    init_state,
    no_evaluation,
    train_step,
)

Record = tuple[Float[Array, "*steps orders runs"], Evaluation]
"""Per step: the cross entropy of its batch, and the evaluation after it (NaN where none was)."""


class TrainingData(NamedTuple):
    """The data on the device.

    Batches are gathered as pixels, a quarter of the bytes of float32 inputs, and normalised
    inside the step; the evaluations share inputs that are made once.
    """

    images: UInt8[Array, "N pixels"]
    train: EvaluationSet
    validation: EvaluationSet


def fit(
    model: Model,
    split: Split,
    hyperparameters: Hyperparameters,
    settings: TrainingSettings,
    *,
    ordering: Ordering = in_file_order,
    on_epoch: Callable[[int], None] = lambda epochs_done: None,
) -> TrainingResult:
    """Trains every run to its last epoch, or until it stops early or diverges.

    Args:
        model: The model to train.
        split: Training and validation examples, on the host.
        hyperparameters: Learning rate and penalty of each run, (orders, runs).
        settings: What all runs have in common. With precision "float64" the runs are trained
            in double precision, whatever JAX's own setting is.
        ordering: The order of the training examples, a row for each batch order.
        on_epoch: Called after every epoch with the number of epochs done.

    Returns:
        The result, with leading axes (orders, runs).

    Raises:
        UsageError: If the batch size is larger than the training set, a hyperparameter is too
            large for the precision, or the ordering is not one row of all examples per order.

    Example:
        >>> import numpy as np
        >>> from mnist_jax.models import logistic
        >>> from mnist_jax.training import hyperparameters
        >>> examples = Examples(np.array([[0], [255]], np.uint8), np.array([0, 1], np.int32))
        >>> settings = TrainingSettings(epochs=3, batch_size=2)
        >>> result = fit(logistic, Split(examples, examples), hyperparameters(0.5), settings)
        >>> Outcome(result.outcome.item()).message(result.last_step.item())
        'finished at step 2'
    """
    num_examples = len(split.train.labels)
    schedule = settings.schedule(num_examples)
    double = settings.precision == "float64"
    # without the second, float32 products would be TF32 on a GPU and bfloat16 on a TPU
    with jax.enable_x64(double), jax.default_matmul_precision("highest"):
        hyperparameters = jax.tree.map(jnp.asarray, hyperparameters.rounded(settings.precision))
        data = device_data(model, settings, split)
        states = init_states(model, settings, hyperparameters, data.train.inputs.shape[1])
        records = []
        for epoch in range(settings.epochs):
            order = ordering(epoch, num_examples)
            _check_order(order, hyperparameters, num_examples)
            states, record = train_epoch(
                model, settings, states, hyperparameters, order, data, epoch
            )
            records.append(jax.device_get(record))
            on_epoch(epoch + 1)
            if not (states.outcome == Outcome.RUNNING).any():
                break
        return collect(states, records, schedule)


def device_data(model: Model, settings: TrainingSettings, split: Split) -> TrainingData:
    """Puts a split on the device, in the form the model takes.

    Args:
        model: Makes targets of labels.
        settings: Gives the dtype.
        split: Training and validation examples.

    Returns:
        The data.
    """
    dtype = jnp.dtype(settings.precision)

    def evaluation_set(examples: Examples) -> EvaluationSet:
        labels = jnp.asarray(examples.labels)
        inputs = make_inputs(jnp.asarray(examples.images), dtype)
        return EvaluationSet(inputs, model.targets(labels, dtype), labels)

    train, validation = evaluation_set(split.train), evaluation_set(split.validation)
    return TrainingData(jnp.asarray(split.train.images), train, validation)


def init_states(
    model: Model, settings: TrainingSettings, hyperparameters: Hyperparameters, num_inputs: int
) -> TrainState:
    """All runs before their first step, leading axes (orders, runs)."""
    init = partial(init_state, model, settings, num_inputs=num_inputs)
    return jax.vmap(jax.vmap(init))(hyperparameters.learning_rate)


@partial(jax.jit, static_argnums=(0, 1))
def train_epoch(
    model: Model,
    settings: TrainingSettings,
    states: TrainState,
    hyperparameters: Hyperparameters,
    order: Int32[Array, "orders N"],
    data: TrainingData,
    epoch: Int[Array, ""] | int,
) -> tuple[TrainState, Record]:
    """One epoch of every run, as one compiled program; pure.

    Args:
        model: The model, static.
        settings: What fixes the program, static.
        states: The runs, (orders, runs).
        hyperparameters: Of the runs, (orders, runs).
        order: The training examples in the order of this epoch, a row for each batch order.
        data: Training and validation examples.
        epoch: Which epoch this is, from 0.

    Returns:
        The runs after the epoch, and what was measured at each step.
    """
    dtype = jnp.dtype(settings.precision)
    schedule = settings.schedule(order.shape[1])
    # runs of one order share the batch (inner map); all runs share the evaluation sets
    step_runs = jax.vmap(partial(train_step, model, settings), (0, 0, None, None, None))
    step_orders = jax.vmap(step_runs, (0, 0, 0, 0, None))
    evaluate_runs = jax.vmap(partial(evaluate, model, settings), (0, None, None, None))
    evaluate_orders = jax.vmap(evaluate_runs, (0, None, None, None))

    def skip_evaluation(states: TrainState, *_: object) -> tuple[TrainState, Evaluation]:
        shape = hyperparameters.learning_rate.shape
        return states, jax.tree.map(lambda nan: jnp.full(shape, nan), no_evaluation(dtype))

    def one_step(states: TrainState, batch: tuple[Array, Array]) -> tuple[TrainState, Record]:
        step, rows = batch
        inputs, targets = make_inputs(data.images[rows], dtype), data.train.targets[rows]
        states, loss = step_orders(states, hyperparameters, inputs, targets, step)
        # the condition is the same for all runs: outside vmap, only one of its branches runs
        states, evaluation = jax.lax.cond(
            step % schedule.evaluate_every == 0,
            evaluate_orders,
            skip_evaluation,
            *(states, data.train, data.validation, step),
        )
        return states, (loss, evaluation)

    steps = epoch * schedule.steps_per_epoch + jnp.arange(schedule.steps_per_epoch, dtype=jnp.int32)
    return jax.lax.scan(one_step, states, (steps, cut_batches(order, settings.batch_size)))


def cut_batches(order: Int32[Array, "orders N"], batch_size: int) -> Int32[Array, "steps orders B"]:
    """Cuts an order into the batches of an epoch; the incomplete last one is dropped.

    Args:
        order: Indices of the training examples, a row for each batch order.
        batch_size: Examples per batch, B.

    Returns:
        The indices of each step's batches.

    Example:
        >>> cut_batches(jnp.array([[4, 3, 2, 1, 0]], jnp.int32), batch_size=2).tolist()
        [[[4, 3]], [[2, 1]]]
    """
    steps = order.shape[1] // batch_size
    batches = order[:, : steps * batch_size].reshape(len(order), steps, batch_size)
    return batches.swapaxes(0, 1)


def _check_order(
    order: Int32[Array, "orders N"], hyperparameters: Hyperparameters, num_examples: int
) -> None:
    expected = (len(hyperparameters.learning_rate), num_examples)
    if order.shape != expected:
        raise UsageError(
            f"the ordering has shape {order.shape}; for these hyperparameters and examples it must "
            f"have {expected}: give hyperparameters(..., num_orders={len(order)}), or an ordering "
            f"with a row of {num_examples} indices for each order."
        )
