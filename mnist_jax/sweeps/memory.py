"""Size of a part of a sweep that fits into memory."""

import sys
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import psutil

from mnist_jax.data import Split
from mnist_jax.models import Model
from mnist_jax.precision import in_precision
from mnist_jax.training import TrainingSettings, hyperparameters
from mnist_jax.training.plan import make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.step import init_states
from mnist_jax.training.tuning import Tuning, tuning

RUNS_OF_A_PART = 256
"""Largest number of runs in a part on a CPU, where larger parts are not faster."""

SHARE = 0.5
"""Share of the available memory that a sweep uses on a CPU; the rest is for other programs."""
SHARE_OF_ACCELERATOR = 0.9
"""Share of the available memory on an accelerator; the rest is for fragmentation."""


class Need(NamedTuple):
    """Memory of a training on a device, in bytes."""

    data: int
    states: int  # before and after a program, and its measurements
    collected: int  # weights of this and the last program whose training accuracy is counted
    temporaries: int

    @property
    def total(self) -> int:
        """Total size."""
        return sum(self)


def good_part(model: Model, split: Split, settings: TrainingSettings, pairs: int = 1) -> int:
    """Returns a suitable number of runs in a part on this machine.

    Args:
        model: Model to train.
        split: Training and validation examples.
        settings: Settings of all runs.
        pairs: Number of runs that share a seed, and therefore their batches.

    Returns:
        The number of runs that fit into a share of the available memory, at most `largest_part()`.
    """
    share = SHARE if jax.default_backend() == "cpu" else SHARE_OF_ACCELERATOR
    available = int(share * available_memory())
    return most_runs(model, split, settings, available, pairs, tuning(), largest_part())


def largest_part() -> int:
    """Returns the largest number of runs in a part on this device, apart from its memory."""
    return RUNS_OF_A_PART if jax.default_backend() == "cpu" else sys.maxsize


def most_runs(
    model: Model,
    split: Split,
    settings: TrainingSettings,
    available: int,
    pairs: int,
    tuned: Tuning,
    limit: int = sys.maxsize,
) -> int:
    """Returns the largest number of runs that fits into a number of bytes, up to a limit.

    It is at least 1, accurate to 1 %, and a multiple of `pairs`, the number of runs that share a
    seed, if it exceeds that number.
    """

    def fits(runs: int) -> bool:
        orders, runs = (-(-runs // pairs), pairs) if runs > pairs else (1, runs)
        return need(model, split, settings, orders, runs, tuned).total <= available

    if fits(limit):
        return limit
    low, high = 1, 2
    while fits(high):
        low, high = high, 2 * high
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low // pairs * pairs if low > pairs else low


def need(
    model: Model, split: Split, settings: TrainingSettings, orders: int, runs: int, tuned: Tuning
) -> Need:
    """Estimates the memory of a training.

    For 1,000 and 10,000 runs, the estimate is never below the memory that the compilers for an H100
    and a TPU v5e report, and at most 15 % above it: `python -m experiments.accelerators`.
    """
    examples, all_runs = [len(part.labels) for part in split], orders * runs
    plan = make_plan(settings.schedule(examples[0]), settings.epochs, all_runs, tuned)
    data, state = _abstract(model, split, settings)
    itemsize = np.dtype(settings.precision).itemsize
    inputs, weights = len(data.validation.inputs), all_runs * _bytes(state.weights)
    outputs = -(-weights // (all_runs * itemsize * inputs))  # approximately, in all layers
    # logits; with several classes also the largest logit and its index
    prediction = itemsize * (outputs + 2 * (outputs > 1))
    batches = plan.steps_at_once * orders * settings.batch_size * 4
    measured = all_runs * (plan.steps_at_once * itemsize + plan.periods_at_once * (itemsize + 5))
    counted = all_runs * plan.periods_at_once
    tile = min(tuned.rows(counted), examples[0])
    gathered = settings.batch_size * (split.train.images[0].nbytes + inputs * itemsize)
    step = orders * gathered + 2 * all_runs * settings.batch_size * outputs * itemsize
    validation = all_runs * examples[1] * prediction
    count = counted * tile * prediction + tile * inputs * itemsize
    if tuned.on_chip:
        # weights change their layout; arrays that fit into on-chip memory do not count
        training = max(step, all_runs * examples[1] * outputs * itemsize) + 2 * weights
        count = plan.periods_at_once * weights + tile * inputs * itemsize
        temporaries = sum(size for size in (training, count) if size > tuned.on_chip)
    else:
        # a program of one period stores copies of the weights in its results
        step += 3 * weights if plan.periods_at_once > 1 else 0
        temporaries = max(step, validation) + count + split.train.images.nbytes
    numbers = (
        _bytes(data),
        2 * all_runs * (_bytes(state) + itemsize) + batches + measured,
        2 * plan.periods_at_once * weights,
        temporaries,
    )
    return Need(*(int(tuned.padding * number) for number in numbers))


def _abstract(model: Model, split: Split, settings: TrainingSettings) -> tuple[Any, Any]:
    """Returns the data of a training and the state of one run, as shapes and dtypes."""
    values = hyperparameters(0.01).rounded(settings.precision)
    with in_precision(settings.precision):
        data = jax.eval_shape(partial(device_data, model, settings, split))
        inputs = len(data.validation.inputs)
        init = partial(init_states, model, settings, num_inputs=inputs)
        return data, jax.eval_shape(init, values)


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def available_memory() -> int:
    """Returns the free memory of the device, in bytes."""
    stats: dict[str, Any] = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return psutil.virtual_memory().available
