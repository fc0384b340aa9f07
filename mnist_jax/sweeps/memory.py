"""How many runs are trained at a time: as many as the memory at hand has room for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import psutil

from mnist_jax.data import Split
from mnist_jax.models import Model
from mnist_jax.precision import in_precision
from mnist_jax.training import TrainingSettings
from mnist_jax.training.plan import make_plan
from mnist_jax.training.tuning import CPU

RUNS_OF_A_PART = 256
"""On a CPU, where larger parts gain nothing."""

SHARE = 0.5
"""Share of the memory at hand that a sweep takes."""


def good_part(model: Model, split: Split, settings: TrainingSettings) -> int:
    """How many runs to train at a time on this machine.

    Args:
        model: Gives the number of weights.
        split: Gives the number of examples.
        settings: Give the number of steps.

    Returns:
        As many as half of the memory at hand has room for; on a CPU no more than are of use.
    """
    on_cpu = jax.default_backend() == "cpu"
    room = max(1, int(SHARE * memory_at_hand() // bytes_of_a_run(model, split, settings)))
    return min(room, RUNS_OF_A_PART) if on_cpu else room


def bytes_of_a_run(model: Model, split: Split, settings: TrainingSettings) -> int:
    """About how much memory a run takes that shares its batches with no other.

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
