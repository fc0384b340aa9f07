"""The training loop: compiled programs of some periods each, and Python between them.

It trains R runs at once; one run is R = 1. Between two programs the host draws the next batches,
keeps what was measured, leaves out the batch orders whose runs have all ended, and answers Ctrl-C.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Int32

from mnist_jax.data import Split
from mnist_jax.errors import UsageError
from mnist_jax.models import Model
from mnist_jax.precision import in_precision
from mnist_jax.training.accuracy import count_train_correct, second_thread
from mnist_jax.training.devices import Placement
from mnist_jax.training.history import Measured, Recorder, TrainingResult, collect
from mnist_jax.training.ordering import Ordering, chunks, cut_batches, in_file_order
from mnist_jax.training.plan import Plan, make_plan
from mnist_jax.training.program import Record, device_data, train_periods
from mnist_jax.training.settings import Hyperparameters, TrainingSettings
from mnist_jax.training.step import Outcome, TrainState, init_state

Tree = TypeVar("Tree")
Block = Int[np.ndarray, " some"] | slice
"""Batch orders that are trained together."""
EVERYTHING = slice(None)


def fit(
    model: Model,
    split: Split,
    hyperparameters: Hyperparameters,
    settings: TrainingSettings,
    *,
    ordering: Ordering = in_file_order,
    on_epochs: Callable[[int], None] = lambda epochs_done: None,
    orders_at_once: int | None = None,
    placement: Placement = Placement(),
) -> TrainingResult:
    """Trains every run to its last epoch, or until it stops early or diverges.

    Args:
        model: The model to train.
        split: Training and validation examples, on the host.
        hyperparameters: Learning rate and penalty of each run, (orders, runs).
        settings: What all runs have in common. With precision "float64" the runs are trained
            in double precision, whatever JAX's own setting is.
        ordering: The order of the training examples, a row for each batch order.
        on_epochs: Called after every few epochs with the number of epochs done.
        orders_at_once: How many batch orders one program trains; None for all. With fewer, those
            whose runs have all ended make place for others.
        placement: On which devices.

    Returns:
        The result, with leading axes (orders, runs). Its history ends with the last run.

    Raises:
        UsageError: If the batch size is larger than the training set, a hyperparameter is too
            large for the precision, the ordering is not one row of all examples per order, or
            the devices can't share evenly.

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
    orders, runs = hyperparameters.l2.shape
    sizes = len(split.train.labels), len(split.validation.labels)
    schedule = settings.schedule(sizes[0])
    at_once = placement.rounded_up(min(orders, orders_at_once or orders))
    placement.check(at_once, runs, settings.batch_size)
    plan = make_plan(schedule, settings.epochs, at_once * runs)
    recorder = Recorder(plan, (orders, runs), sizes, settings.precision)
    with in_precision(settings.precision), second_thread() as beside:
        values = jax.tree.map(jnp.asarray, hyperparameters.rounded(settings.precision))
        data = placement.everywhere(device_data(model, settings, split))
        states = init_states(model, settings, values, len(data.validation.inputs))
        train = partial(train_periods, model, settings, data=data, num_steps=plan.num_steps)
        count = partial(count_train_correct, model, images=data.images, labels=data.labels)
        measured: list[Measured] = []
        first_step, batches = -plan.lead, batches_of(ordering, settings, plan, orders, sizes[0])
        upcoming = next(batches, None)
        while upcoming is not None and (np.asarray(states.outcome) == Outcome.RUNNING).any():
            program = partial(train, first_step=first_step)
            states, trained = train_blocks(program, states, values, upcoming, at_once, placement)
            # while the device is busy
            upcoming = next(batches, None)
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
            on_epochs(min(first_step, plan.num_steps) // schedule.steps_per_epoch)
        recorder.add(measured)
        return collect(jax.device_get(states), recorder, schedule)


def batches_of(
    ordering: Ordering, settings: TrainingSettings, plan: Plan, orders: int, num_examples: int
) -> Iterator[Int32[np.ndarray, "periods steps orders B"]]:
    """The batches of each program.

    Args:
        ordering: Of the training examples.
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


def train_blocks(
    program: Callable[..., tuple[TrainState, Record, Array]],
    states: TrainState,
    values: Hyperparameters,
    batches: Int32[np.ndarray, "periods steps orders B"],
    at_once: int,
    placement: Placement,
) -> tuple[TrainState, list[tuple[Block, Record, Array]]]:
    """Trains all runs for the periods of one program, so many orders at a time.

    Args:
        program: `train_periods`, with all that is the same for every block.
        states: All runs, (orders, runs).
        values: Their hyperparameters.
        batches: Of all orders.
        at_once: Orders of a block.
        placement: Where they are trained.

    Returns:
        All runs; of each block what was measured, and the weights after each period. None of it
        need be known yet.
    """
    trained: list[tuple[Block, Record, Array]] = []
    for block in blocks(np.asarray(states.outcome), at_once):
        some, record, weights = program(
            states=placement.runs(_take(states, block)),
            hyperparameters=placement.runs(_take(values, block)),
            batches=placement.batches(batches[:, :, block]),
        )
        states = _put(states, block, some)
        trained.append((block, record, weights))
    return states, trained


def blocks(outcome: Int[np.ndarray, "orders runs"], at_once: int) -> list[Block]:
    """Which batch orders to train together: those with a run that has not ended.

    Args:
        outcome: Of every run.
        at_once: Orders of a block.

    Returns:
        Their indices; the last block, if it is short, names its first order again and again, so
        that all are of one size. Everything, if a block has room for it.

    Example:
        >>> outcome = np.array([[0], [2], [0], [0]])  # the second has stopped early
        >>> [block.tolist() for block in blocks(outcome, at_once=2)]
        [[0, 2], [3, 3]]
    """
    if at_once == len(outcome):
        return [EVERYTHING]
    running = np.flatnonzero((outcome == Outcome.RUNNING).any(axis=1))
    starts = range(0, len(running), at_once)
    return [np.resize(running[start : start + at_once], at_once) for start in starts]


def init_states(
    model: Model, settings: TrainingSettings, hyperparameters: Hyperparameters, num_inputs: int
) -> TrainState:
    """All runs before their first step, leading axes (orders, runs)."""
    init = partial(init_state, model, settings, num_inputs=num_inputs)
    return jax.vmap(jax.vmap(init))(hyperparameters.learning_rate)


def _take(tree: Tree, block: Block) -> Tree:
    return tree if isinstance(block, slice) else jax.tree.map(lambda a: a[block], tree)


def _put(tree: Tree, block: Block, some: Tree) -> Tree:
    if isinstance(block, slice):
        return some
    return jax.tree.map(lambda whole, part: whole.at[block].set(part), tree, some)
