"""The training loop, which calls a compiled program for several evaluation periods at a time.

It trains any number of runs together. Between two programs, the host draws the next batches, stores
the measurements, skips batch orders whose runs have all ended, and handles Ctrl-C.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int32, UInt32

from mnist_jax.data import Split
from mnist_jax.errors import UsageError
from mnist_jax.models import Model
from mnist_jax.precision import in_precision
from mnist_jax.training.accuracy import second_thread
from mnist_jax.training.blocks import Trained, Training
from mnist_jax.training.checking import check_data
from mnist_jax.training.checkpoint import Checkpoint, Snapshot, identity
from mnist_jax.training.devices import Placement
from mnist_jax.training.history import Recorder, TrainingResult
from mnist_jax.training.ordering import Ordering, Shuffled, batches_of, in_file_order
from mnist_jax.training.plan import make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.settings import Hyperparameters, TrainingSettings
from mnist_jax.training.step import Outcome, TrainState
from mnist_jax.training.tuning import tuning


def fit(
    model: Model,
    split: Split,
    hyperparameters: Hyperparameters,
    settings: TrainingSettings,
    *,
    ordering: Ordering = in_file_order,
    seeds: Sequence[int] | None = None,
    on_epochs: Callable[[int], None] = lambda epochs_done: None,
    orders_at_once: int | None = None,
    placement: Placement = Placement(),
    checkpoint: Checkpoint | None = None,
) -> TrainingResult:
    """Trains every run to its last epoch, or until it stops early or diverges.

    Args:
        model: Model to train.
        split: Training and validation examples, on the host.
        hyperparameters: Learning rate and factor of the penalty of each run, (orders, runs).
        settings: Settings of all runs. Their precision is independent of JAX's own setting.
        ordering: Order of the training examples, one row for each batch order.
        seeds: Seeds of the initial weights, one for each batch order; None for the seeds of a
            shuffled ordering, or 0 for any other ordering.
        on_epochs: Function called with the number of epochs done, after every few epochs.
        orders_at_once: Number of batch orders in one program; None for all. With fewer orders,
            those whose runs have all ended are replaced by others.
        placement: Placement of the runs on devices.
        checkpoint: File for the training state. If it contains the state of this training, the
            training continues from it.

    Returns:
        The result, with leading axes (orders, runs). The history ends with the last run.

    Raises:
        UsageError: If the examples do not fit the model and the settings, the batch size exceeds
            the training set, a hyperparameter is too large for the precision, the ordering or the
            seeds do not fit the number of orders, or the work does not divide evenly.

    Example:
        >>> from mnist_jax.data import Examples
        >>> from mnist_jax.models import logistic
        >>> from mnist_jax.training import hyperparameters
        >>> examples = Examples(np.array([[0], [255]], np.uint8), np.array([0, 1], np.int32))
        >>> settings = TrainingSettings(epochs=3, batch_size=2)
        >>> result = fit(logistic, Split(examples, examples), hyperparameters(0.5), settings)
        >>> Outcome(result.outcome.item()).message(result.last_step.item())
        'finished at step 2'
    """
    check_data(model, settings, split)
    orders = len(hyperparameters.l2)
    with in_precision(settings.precision), second_thread() as executor:
        training = prepare(model, split, hyperparameters, settings, orders_at_once, placement)
        states = training.start(seeds_of(ordering, seeds, orders))
        recorder, name = Recorder(training, executor), ""
        start = Snapshot(training.plan.first_step, states, recorder.arrays)
        if checkpoint:
            name = identity(training, states, ordering)
            if saved := checkpoint.read(name, start):
                start, recorder.arrays = saved, saved.measured
                on_epochs(training.epochs_done(start.first_step))
        batches = batches_of(ordering, settings, training.plan, orders, len(split.train.labels))
        state = start
        for state, trained in programs(training, start, batches):
            recorder.add(trained)
            if checkpoint and checkpoint.due():
                recorder.finish()
                checkpoint.write(name, state)
            on_epochs(training.epochs_done(state.first_step))
        recorder.finish()
        return recorder.result(jax.device_get(state.states))


def prepare(
    model: Model,
    split: Split,
    hyperparameters: Hyperparameters,
    settings: TrainingSettings,
    orders_at_once: int | None,
    placement: Placement,
) -> Training:
    """Plans a training, and transfers its data to the devices."""
    orders, runs = hyperparameters.l2.shape
    block_size = placement.rounded_up(min(orders, orders_at_once or orders))
    placement.check(block_size, runs, settings.batch_size)
    tuned = tuning(placement.devices)
    schedule = settings.schedule(len(split.train.labels))
    plan = make_plan(schedule, settings.epochs, block_size * runs, tuned)
    values = jax.tree.map(jnp.asarray, hyperparameters.rounded(settings.precision))
    data = placement.everywhere(device_data(model, settings, split))
    return Training(model, settings, values, data, placement, tuned, plan, block_size)


def programs(
    training: Training,
    snapshot: Snapshot,
    batches: Iterator[Int32[np.ndarray, "periods steps orders B"]],
) -> Iterator[tuple[Snapshot, list[Trained]]]:
    """Runs programs until every run has ended; yields the state after each, and its results."""
    plan, tuned = training.plan, training.tuned
    running, diverged = partial(_count, Outcome.RUNNING), partial(_count, Outcome.DIVERGED)
    first_step, states = snapshot.first_step, jax.tree.map(jnp.asarray, snapshot.states)
    batches = islice(batches, (first_step - plan.first_step) // plan.steps_at_once, None)
    upcoming = next(batches, None)
    while upcoming is not None and running(states):
        current, before = upcoming, states
        states, trained = training.train(before, current, first_step, tuned)
        upcoming = next(batches, None)  # while the device computes
        if not tuned.check_each_step and diverged(states) > diverged(before):
            checked = replace(tuned, check_each_step=True)
            states, trained = training.train(before, current, first_step, checked)
        first_step += plan.steps_at_once
        yield snapshot._replace(first_step=first_step, states=states), trained


def _count(outcome: Outcome, states: TrainState) -> int:
    return int(np.count_nonzero(np.asarray(states.outcome) == outcome))


def seeds_of(
    ordering: Ordering, seeds: Sequence[int] | None, orders: int
) -> UInt32[np.ndarray, " orders"]:
    """Returns the seeds of the initial weights modulo 2**32; see `fit`."""
    if seeds is None:
        shuffling = ordering.seeds if isinstance(ordering, Shuffled) else ()
        # a wrong number of them is reported with the ordering
        seeds = shuffling if len(shuffling) == orders else [0] * orders
    if len(seeds) != orders:
        raise UsageError(
            f"there are {len(seeds)} seeds, but {orders} batch orders: give a seed for each "
            f"order, or hyperparameters(..., num_orders={len(seeds)})."
        )
    return np.array([seed % 2**32 for seed in seeds], np.uint32)
