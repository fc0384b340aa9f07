"""Memory and time of a sweep on a device that is not present: `--plan`."""

from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.accelerators.devices import DEVICES, Device
from experiments.accelerators.roofline import Roofline, roofline
from experiments.sweep.settings import MODELS, SweepSettings
from mnist_jax.data import Split
from mnist_jax.sweeps import memory
from mnist_jax.training.plan import make_plan
from mnist_jax.training.tuning import GPU, TPU

PASSES = 3
"""Smallest number of passes over the weights in a step: it reads them for the logits and the
update, and writes the updated ones."""


class SweepPlan(NamedTuple):
    """Plan of a sweep."""

    device: Device  # kind of device
    devices: int  # number of devices
    runs: int  # number of runs
    runs_of_a_part: int  # largest number of runs in a part
    parts: int  # number of parts
    memory: int  # number of bytes that a part needs on each device
    available: int  # number of bytes that a sweep may use on each device
    time: Roofline  # lower bound of the time of all parts


def make(settings: SweepSettings, split: Split) -> SweepPlan:
    """Plans a sweep on the device that the settings name, without compiling anything."""
    device, grid = DEVICES[settings.plan or ""], settings.grid
    model, shared = MODELS[settings.model], settings.common_settings
    tuned = TPU if device.platform == "tpu" else GPU
    available = int(memory.SHARE_OF_ACCELERATOR * device.share * device.memory)
    pairs = len(grid.all_runs.pairs)
    limit = memory.most_runs(model, split, shared, available, pairs, tuned) * settings.devices
    parts = grid.parts(min(limit, grid.size))
    largest = max(parts, key=lambda part: part.size)
    # the devices share the seeds if there are several, otherwise the pairs
    orders, runs, count = largest.orders, len(largest.pairs), settings.devices
    share = (-(-orders // count), runs) if orders > 1 else (1, -(-runs // count))
    needed = memory.need(model, split, shared, *share, tuned).total
    numbers = grid.size, largest.size, len(parts), needed, available
    return SweepPlan(device, count, *numbers, time_bound(settings, split, device))


def time_bound(settings: SweepSettings, split: Split, device: Device) -> Roofline:
    """Returns the roofline of the products and the weight traffic of all complete runs."""
    train, validation = (len(part.labels) for part in split)
    schedule = settings.common_settings.schedule(train)
    plan = make_plan(schedule, settings.epochs, 1)
    outputs = MODELS[settings.model].num_classes if settings.model == "softmax" else 1
    weights = (split.train.images[0].size + 1) * (outputs or 1)
    examples = plan.num_steps * 2 * settings.batch_size
    examples += len(plan.evaluation_steps) * (validation + train)
    itemsize = np.dtype(settings.precision).itemsize
    runs = settings.grid.size / settings.devices
    traffic = runs * plan.num_steps * PASSES * weights * itemsize
    return roofline(device, settings.precision, runs * 2 * weights * examples, traffic)


def show(plan: SweepPlan) -> None:
    """Prints a plan."""
    rows = {
        "device": f"{plan.devices} x {plan.device.title}",
        "runs": f"{plan.runs:,}",
        "runs in a part": f"{plan.runs_of_a_part:,}",
        "parts": f"{plan.parts:,}",
        "memory of a part": f"{plan.memory / 1e9:.2f} GB of {plan.available / 1e9:.1f} GB",
        "time, at least": f"{plan.time.seconds:.3g} s at the published rates ({plan.time.bound})",
    }
    table = Table(title="Plan; nothing is trained", title_justify="left", show_header=False)
    for row in rows.items():
        table.add_row(*row)
    Console().print(table)
