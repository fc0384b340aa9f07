"""The training loop: compiled programs of some periods each, and Python between them.

It trains R runs at once; one run is R = 1. Between two programs the host draws the next batches,
keeps what was measured, leaves out the batch orders whose runs have all ended, and answers Ctrl-C.
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
        model: The model to train.
        split: Training and validation examples, on the host.
        hyperparameters: Learning rate and penalty of each run, (orders, runs).
        settings: What all runs have in common. With precision "float64" the runs are trained
            in double precision, whatever JAX's own setting is.
        ordering: The order of the training examples, a row for each batch order.
        seeds: Seed of the initial weights of each batch order; None for the seeds of a shuffled
            ordering, and 0 for any other.
        on_epochs: Called after every few epochs with the number of epochs done.
        orders_at_once: How many batch orders one program trains; None for all. With fewer, those
            whose runs have all ended make place for others.
        placement: On which devices.
        checkpoint: Where to keep the state now and then. If it holds the state of this training,
            that is where it goes on.

    Returns:
        The result, with leading axes (orders, runs). Its history ends with the last run.

    Raises:
        UsageError: If the examples are not what the model and the settings take, the batch size
            is larger than the training set, a hyperparameter is too large for the precision, the
            ordering or the seeds don't fit the number of orders, or the devices can't share evenly.

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
    at_once = placement.rounded_up(min(orders, orders_at_once or orders))
    placement.check(at_once, runs, settings.batch_size)
    tuned = tuning(placement.devices)
    plan = make_plan(schedule, settings.epochs, at_once * runs, tuned)
    recorder = Recorder(plan, (orders, runs), sizes, settings.precision)
    with in_precision(settings.precision), second_thread() as beside:
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
            tile=tuned.rows(at_once * runs * plan.periods_at_once),
        )
        count = count if settings.train_accuracy else not_counted
        measured: list[Measured] = []
        first_step, batches = -plan.lead, batches_of(ordering, settings, plan, orders, sizes[0])
        facts = plan, settings.gradient, type(settings.criterion).__qualname__, split.train.labels
        facts += ordering(0, sizes[0]), settings.train_accuracy, *map(np.asarray, values)
        known_by = identity(states, *facts) if checkpoint else ""
        if checkpoint and (kept := checkpoint.read(known_by, states)):
            first_step, states = kept.first_step, jax.tree.map(jnp.asarray, kept.states)
            recorder.restore(kept.measured)
            batches = islice(batches, (first_step + plan.lead) // plan.steps_at_once, None)
            on_epochs(max(first_step, 0) // schedule.steps_per_epoch)
        upcoming = next(batches, None)
        while upcoming is not None and (np.asarray(states.outcome) == Outcome.RUNNING).any():
            program, before = partial(train, first_step=first_step), states
            blocks_with = partial(
                train_blocks,
                states=states,
                values=values,
                batches=upcoming,
                at_once=at_once,
                placement=placement,
            )
            states, trained = blocks_with(partial(program, tuned=tuned))
            # while the device is busy
            upcoming = next(batches, None)
            if not tuned.check_each_step and newly_diverged(before, states):
                careful = replace(tuned, check_each_step=True)
                states, trained = blocks_with(partial(program, tuned=careful))
            recorder.add(measured)
            measured = [
                Measured(
                    first_step,
                    block,
                    jax.device_get(record),
                    beside.submit(count, weights),
                )
                for block, record, weights in trained
            ]
            first_step += plan.steps_at_once
            if checkpoint and checkpoint.due():
                recorder.add(measured)
                measured = []
                checkpoint.write(known_by, Snapshot(first_step, states, recorder.arrays()))
            on_epochs(min(first_step, plan.num_steps) // schedule.steps_per_epoch)
        recorder.add(measured)
        return collect(jax.device_get(states), recorder, schedule)


def batches_of(
    ordering: Ordering, settings: TrainingSettings, plan: Plan, orders: int, num_examples: int
) -> Iterator[Int32[np.ndarray, "periods steps orders B"]]:
    """The batches of each program.

    Args:
        ordering: Order of the training examples.
        settings: Give the number of epochs and the batch size.
        plan: Cuts the steps into programs.
        orders: How many batch orders there are.
        num_examples: In the training set.

    Yields:
        Indices of training examples.

    Raises:
        UsageError: If the ordering is not one row of all examples per order.
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
    """The seeds of the initial weights; see `fit`.

    Args:
        ordering: Order of the training examples.
        seeds: As they were given, or None.
        orders: How many batch orders there are.

    Returns:
        One seed for each batch order, modulo 2**32.

    Raises:
        UsageError: If there are not as many seeds as batch orders.

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
    """All runs before their first step, leading axes (orders, runs); by default of seed 0."""
    rates = hyperparameters.learning_rate
    seeds = np.zeros(len(rates), np.uint32) if seeds is None else seeds
    init = partial(init_state, model, settings, num_inputs=num_inputs)
    return jax.vmap(jax.vmap(init, (0, None)))(rates, jnp.asarray(seeds))
