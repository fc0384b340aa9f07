"""Time of a training step on the device: compiled programs, without the host between them."""

from itertools import product
from typing import Any

import jax
import numpy as np

from experiments.benchmarks.timing import timed
from experiments.benchmarks.work import LEARNING_RATE
from mnist_jax.data import Mnist, Split, split
from mnist_jax.models import Model, logistic, softmax
from mnist_jax.precision import in_precision
from mnist_jax.training import TrainingSettings, hyperparameters, train_periods
from mnist_jax.training.accuracy import count_tiles
from mnist_jax.training.plan import make_plan
from mnist_jax.training.program import device_data
from mnist_jax.training.settings import Precision
from mnist_jax.training.step import init_states
from mnist_jax.training.tuning import tuning

RUNS = (1, 64, 1000, 10_000)
RUNS_ON_CPU = RUNS[:2]
"""Numbers of runs on a CPU, where a step of 1,000 runs takes a second (two cores)."""
CALLS = 5


def measure(mnist: Mnist) -> list[dict[str, Any]]:
    """Times the report's training for each model, precision and number of runs."""
    kinds = {
        "logistic": (logistic, split(mnist, digits=(2, 3))),
        "softmax": (softmax, split(mnist)),
    }
    runs = RUNS_ON_CPU if jax.default_backend() == "cpu" else RUNS
    precisions: tuple[Precision, ...] = ("float32", "float64")
    return [
        {"model": name, "runs": count, "precision": precision}
        | time_programs(*kinds[name], count, precision)
        for name, precision, count in product(kinds, precisions, runs)
    ]


def time_programs(
    model: Model, examples: Split, runs: int, precision: Precision
) -> dict[str, float]:
    """Times the training program of runs that share their batches, and the count of accuracy.

    Returns:
        Seconds of a step, including its share of the validation, and of one count.
    """
    settings, tuned = TrainingSettings(precision=precision), tuning()
    size = len(examples.train.labels)
    plan = make_plan(settings.schedule(size), settings.epochs, runs, tuned)
    shape = plan.periods_at_once, plan.period, 1, settings.batch_size
    rows = np.random.default_rng(0).integers(size, size=shape, dtype=np.int32)
    values = hyperparameters(LEARNING_RATE, np.linspace(0, 0.1, runs)).rounded(precision)
    with in_precision(precision):
        data = device_data(model, settings, examples)
        states = init_states(model, settings, values, len(data.validation.inputs))
        dynamic = (states, jax.device_put(values), jax.device_put(rows), data, 0, plan.num_steps)
        *_, weights = train_periods(model, settings.compiled, *dynamic, tuned=tuned)
        tile = tuned.rows(runs * plan.periods_at_once)
        images, labels = data.images, data.labels
        training = fastest(lambda: train_periods(model, settings.compiled, *dynamic, tuned=tuned))
        counting = fastest(lambda: count_tiles(model, weights, images, labels, tile=tile))
    return {
        "seconds_per_step": training / plan.steps_at_once,
        "seconds_per_count": counting / plan.periods_at_once,
    }


def fastest(call: Any) -> float:
    """Returns the seconds of the fastest of several calls after the first, which compiles."""
    times = [timed(lambda: jax.block_until_ready(call()))[0] for _ in range(CALLS + 1)]
    return min(times[1:])
