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
from mnist_jax.training.accuracy import count_train_correct, not_counted, second_thread
from mnist_jax.training.blocks import newly_diverged, train_blocks
from mnist_jax.training.checking import check_data
from mnist_jax.training.checkpoint import Checkpoint, Snapshot, identity
from mnist_jax.training.devices import Placement
from mnist_jax.training.history import Measured, Recorder, TrainingResult, collect
from mnist_jax.training.ordering import Ordering, Shuffled, chunks, cut_batches, in_file_order
from mnist_jax.training.plan import Plan, make_plan
from mnist_jax.training.program import device_data, train_periods
from mnist_jax.training.settings import Hyperparameters, TrainingSettings
from mnist_jax.training.step import Outcome, TrainState, init_state
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
    orders, runs = hyperparameters.l2.shape
    sizes = len(split.train.labels), len(split.validation.labels)
    schedule = settings.schedule(sizes[0])
    block_size = placement.rounded_up(min(orders, orders_at_once or orders))
    placement.check(block_size, runs, settings.batch_size)
    tuned = tuning(placement.devices)
    plan = make_plan(schedule, settings.epochs, block_size * runs, tuned)
    recorder = Recorder(plan, (orders, runs), sizes, settings.precision)
    with in_precision(settings.precision), second_thread() as executor:
        values = jax.tree.map(jnp.asarray, hyperparameters.rounded(settings.precision))
        data = placement.everywhere(device_data(model, settings, split))
        num_inputs = len(data.validation.inputs)
        states = init_states(model, settings, values, num_inputs, seeds_of(ordering, seeds, orders))
        train = partial(
            train_periods, model, settings.compiled, data=data, num_steps=plan.num_steps
        )
        count = partial(
            count_train_correct,
            model,
            images=data.images,
            labels=data.labels,
            inputs=settings.inputs,
            tile=tuned.rows(block_size * runs * plan.periods_at_once),
        )
        count = count if settings.train_accuracy else not_counted
        measured: list[Measured] = []
        first_step, batches = -plan.lead, batches_of(ordering, settings, plan, orders, sizes[0])
        properties = plan, settings.gradient, type(settings.criterion).__qualname__
        properties += split.train.labels, ordering(0, sizes[0]), settings.train_accuracy
        properties += (*map(np.asarray, values),)
        training = identity(states, *properties) if checkpoint else ""
        if checkpoint and (snapshot := checkpoint.read(training, states)):
            first_step, states = snapshot.first_step, jax.tree.map(jnp.asarray, snapshot.states)
            recorder.restore(snapshot.measured)
            batches = islice(batches, (first_step + plan.lead) // plan.steps_at_once, None)
            on_epochs(max(first_step, 0) // schedule.steps_per_epoch)
        upcoming = next(batches, None)
        while upcoming is not None and (np.asarray(states.outcome) == Outcome.RUNNING).any():
            program, previous = partial(train, first_step=first_step), states
            train_all = partial(
                train_blocks,
                states=states,
                values=values,
                batches=upcoming,
                block_size=block_size,
                placement=placement,
            )
            states, trained = train_all(partial(program, tuned=tuned))
            upcoming = next(batches, None)  # while the device computes
            if not tuned.check_each_step and newly_diverged(previous, states):
                checked = replace(tuned, check_each_step=True)
                states, trained = train_all(partial(program, tuned=checked))
            recorder.add(measured)
            measured = [
                Measured(first_step, block, jax.device_get(record), executor.submit(count, weights))
                for block, record, weights in trained
            ]
            first_step += plan.steps_at_once
            if checkpoint and checkpoint.due():
                recorder.add(measured)
                measured = []
                checkpoint.write(training, Snapshot(first_step, states, recorder.arrays()))
            on_epochs(min(first_step, plan.num_steps) // schedule.steps_per_epoch)
        recorder.add(measured)
        return collect(jax.device_get(states), recorder, schedule)


def batches_of(
    ordering: Ordering, settings: TrainingSettings, plan: Plan, orders: int, num_examples: int
) -> Iterator[Int32[np.ndarray, "periods steps orders B"]]:
    """Yields the batches of each program, as indices of training examples.

    Raises:
        UsageError: If the ordering does not have a row of all examples for each order.
    """

    def epochs() -> Iterator[Int32[np.ndarray, "steps orders B"]]:
        for epoch in range(settings.epochs):
            order = ordering(epoch, num_examples)
            if order.shape != (orders, num_examples):
                raise UsageError(
                    f"the ordering has shape {order.shape}; for these hyperparameters and examples "
                    f"it must have {(orders, num_examples)}: give hyperparameters(..., "
                    f"num_orders={len(order)}), or an ordering with a row of {num_examples} "
                    "indices for each order."
                )
            yield cut_batches(order, settings.batch_size)

    for rows in chunks(epochs(), plan.steps_at_once, plan.lead):
        yield rows.reshape(plan.periods_at_once, plan.period, *rows.shape[1:])


def seeds_of(
    ordering: Ordering, seeds: Sequence[int] | None, orders: int
) -> UInt32[np.ndarray, " orders"]:
    """Returns the seeds of the initial weights modulo 2**32, one for each batch order; see `fit`.

    Raises:
        UsageError: If the number of seeds differs from the number of batch orders.

    Example:
        >>> from mnist_jax.training import shuffled
        >>> seeds_of(shuffled([7, 8]), None, orders=2).tolist()
        [7, 8]
    """
    if seeds is None and isinstance(ordering, Shuffled) and len(ordering.seeds) == orders:
        seeds = ordering.seeds  # a wrong number of them is reported with the ordering
    elif seeds is None:
        seeds = [0] * orders
    if len(seeds) != orders:
        raise UsageError(
            f"there are {len(seeds)} seeds, but {orders} batch orders: give a seed for each "
            f"order, or hyperparameters(..., num_orders={len(seeds)})."
        )
    return np.array([seed % 2**32 for seed in seeds], np.uint32)


def init_states(
    model: Model,
    settings: TrainingSettings,
    hyperparameters: Hyperparameters,
    num_inputs: int,
    seeds: UInt32[np.ndarray, " orders"] | None = None,
) -> TrainState:
    """Returns the initial states of all runs, (orders, runs); by default with seed 0."""
    rates = hyperparameters.learning_rate
    seeds = np.zeros(len(rates), np.uint32) if seeds is None else seeds
    init = partial(init_state, model, settings, num_inputs=num_inputs)
    return jax.vmap(jax.vmap(init, (0, None)))(rates, jnp.asarray(seeds))
