"""How many runs are trained at a time: as many as the memory at hand has room for."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import psutil

from mnist_jax.data import Split
from mnist_jax.models import Model
from mnist_jax.precision import in_precision
from mnist_jax.training import TrainingSettings, hyperparameters
from mnist_jax.training.loop import init_states
from mnist_jax.training.plan import make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.tuning import CPU, Tuning, tuning

RUNS_OF_A_PART = 256
"""On a CPU, where larger parts gain nothing."""

SHARE = 0.5
"""Share of the memory at hand that a sweep takes on a CPU, where other programs want the rest."""
SHARE_OF_ACCELERATOR = 0.9
"""Share on an accelerator; the rest is for what lies between arrays."""


class Need(NamedTuple):
    """The memory that a training takes on a device, in bytes.

    Attributes:
        data: The examples.
        states: The runs before and after a program, with what it measures.
        set_aside: Weights whose training accuracy is counted: those of the program that runs, and
            of the one before.
        temporaries: What the programs keep for themselves.
    """

    data: int
    states: int
    set_aside: int
    temporaries: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)


def good_part(model: Model, split: Split, settings: TrainingSettings, pairs: int = 1) -> int:
    """How many runs to train at a time on this machine.

    Args:
        model: Gives the number of weights.
        split: Gives the number of examples.
        settings: Give the number of steps.
        pairs: Runs that share a seed, and with it their batches.

    Returns:
        As many as a share of the memory at hand has room for; on a CPU no more than are of use.
    """
    if jax.default_backend() != "cpu":
        room = int(SHARE_OF_ACCELERATOR * memory_at_hand())
        return most_runs(model, split, settings, room, pairs, tuning())
    room = max(1, int(SHARE * memory_at_hand() // bytes_of_a_run(model, split, settings)))
    return min(room, RUNS_OF_A_PART)


def most_runs(
    model: Model, split: Split, settings: TrainingSettings, room: int, pairs: int, tuned: Tuning
) -> int:
    """How many runs an accelerator has room for.

    Args:
        model: Gives the number of weights.
        split: Gives the number of examples.
        settings: Give the number of steps.
        room: Bytes.
        pairs: Runs that share a seed.
        tuned: Tuning of the device.

    Returns:
        The most runs, at least 1; if there are more than `pairs`, a multiple of it.
    """

    def fits(runs: int) -> bool:
        orders, each = (-(-runs // pairs), pairs) if runs > pairs else (1, runs)
        return need(model, split, settings, orders, each, tuned).total <= room

    few, many = 1, 2
    while fits(many):
        few, many = many, 2 * many
    while many - few > max(1, few // 100):  # to a hundredth
        middle = (few + many) // 2
        few, many = (middle, many) if fits(middle) else (few, middle)
    return few // pairs * pairs if few > pairs else few


def need(
    model: Model,
    split: Split,
    settings: TrainingSettings,
    orders: int,
    runs: int,
    tuned: Tuning,
) -> Need:
    """The memory that a training takes on an accelerator.

    Held against what the compilers for an H100 and a TPU v5e say of the same programs, it is never
    below, and at most 15 % above, for 1,000 and 10,000 runs: `python -m experiments.accelerators`.

    Args:
        model: The model.
        split: Gives the number of examples.
        settings: What the runs have in common.
        orders: Batch orders.
        runs: Runs of each order.
        tuned: Tuning of the device.

    Returns:
        The memory.
    """
    examples, all_runs = [len(part.labels) for part in split], orders * runs
    plan = make_plan(settings.schedule(examples[0]), settings.epochs, all_runs, tuned)
    data, state = _described(model, split, settings)
    itemsize = np.dtype(settings.precision).itemsize
    inputs, weights = len(data.validation.inputs), all_runs * _bytes(state.weights)
    outputs = -(-weights // (all_runs * itemsize * inputs))  # of every layer, about
    # logits; of several, the largest and its place too
    prediction = itemsize * (outputs + 2 * (outputs > 1))
    batches = plan.steps_at_once * orders * settings.batch_size * 4
    measured = all_runs * (plan.steps_at_once * itemsize + plan.periods_at_once * (itemsize + 5))
    sets = all_runs * plan.periods_at_once
    tile = min(tuned.rows(sets), examples[0])
    gathered = settings.batch_size * (split.train.images[0].nbytes + inputs * itemsize)
    step = orders * gathered + 2 * all_runs * settings.batch_size * outputs * itemsize
    validation = all_runs * examples[1] * prediction
    count = sets * tile * prediction + tile * inputs * itemsize
    if tuned.on_chip:
        # weights are laid out anew; what fits beside the cores takes nothing
        training = max(step, all_runs * examples[1] * outputs * itemsize) + 2 * weights
        count = plan.periods_at_once * weights + tile * inputs * itemsize
        temporaries = sum(each for each in (training, count) if each > tuned.on_chip)
    else:
        # a program of one period keeps copies of the weights where its results will be
        step += 3 * weights if plan.periods_at_once > 1 else 0
        temporaries = max(step, validation) + count + split.train.images.nbytes
    numbers = (
        _bytes(data),
        2 * all_runs * (_bytes(state) + itemsize) + batches + measured,
        2 * plan.periods_at_once * weights,
        temporaries,
    )
    return Need(*(int(tuned.padding * number) for number in numbers))


def _described(model: Model, split: Split, settings: TrainingSettings) -> tuple[Any, Any]:
    """The data of a training and the state of one run, as shapes."""
    values = hyperparameters(0.01).rounded(settings.precision)
    with in_precision(settings.precision):
        data = jax.eval_shape(partial(device_data, model, settings, split))
        inputs = len(data.validation.inputs)
        init = partial(init_states, model, settings, num_inputs=inputs)
        return data, jax.eval_shape(init, values)


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def bytes_of_a_run(model: Model, split: Split, settings: TrainingSettings) -> int:
    """About how much memory a run takes on a CPU that shares its batches with no other.

    Args:
        model: Gives the number of weights.
        split: Gives the number of examples.
        settings: Give the number of steps.

    Returns:
        Bytes: of its weights and their copies, its batch, its logits, its history.
    """
    num_inputs, num_weights = _sizes(model, split, settings)
    plan = make_plan(settings.schedule(len(split.train.labels)), settings.epochs, RUNS_OF_A_PART)
    # weights, best, gradient, new ones, one in a scatter; those that are set aside by the program
    # that runs, and by the one before, which are being counted
    copies = 5 + 2 * plan.periods_at_once
    outputs = -(-num_weights // num_inputs)  # of every layer, about
    logits = plan.periods_at_once * outputs * min(CPU.tile, len(split.train.labels))
    numbers = copies * num_weights + 2 * settings.batch_size * num_inputs + logits
    numbers += plan.num_steps + 3 * len(plan.evaluation_steps)
    gathered = settings.batch_size * split.train.images[0].nbytes
    return numbers * np.dtype(settings.precision).itemsize + gathered


def _sizes(model: Model, split: Split, settings: TrainingSettings) -> tuple[int, int]:
    """The number of inputs and the number of weights."""
    dtype = np.dtype(settings.precision)

    def start() -> tuple[Any, Any]:
        inputs = settings.inputs(jnp.asarray(split.train.images[:1]), dtype)
        return inputs, model.init(jax.random.key(0), inputs.shape[1], dtype)

    with in_precision(settings.precision):
        inputs, weights = jax.eval_shape(start)
    return inputs.size, sum(leaf.size for leaf in jax.tree.leaves(weights))


def memory_at_hand() -> int:
    """Free memory of the device, in bytes."""
    stats: dict[str, Any] = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return psutil.virtual_memory().available
