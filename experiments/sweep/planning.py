"""What a sweep takes on a device that is not there: `--plan`."""

from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.accelerators.devices import Device, device
from experiments.accelerators.roofline import Roofline, roofline
from experiments.sweep.settings import MODELS, SweepSettings
from mnist_jax.data import Split
from mnist_jax.sweeps import Grid, memory
from mnist_jax.training.plan import make_plan
from mnist_jax.training.tuning import GPU, TPU

PASSES = 3
"""The least times that a step reads or writes the weights: for the logits, for the new ones, and
these."""


class SweepPlan(NamedTuple):
    """What a sweep takes.

    Attributes:
        device: On which devices.
        devices: How many.
        runs: All runs.
        runs_of_a_part: Runs that are trained at a time.
        parts: How many times.
        memory: Bytes of a part, on each device.
        room: Bytes of each device that a sweep takes at most.
        time: The least time of all parts.
    """

    device: Device
    devices: int
    runs: int
    runs_of_a_part: int
    parts: int
    memory: int
    room: int
    time: Roofline


def make(settings: SweepSettings, split: Split) -> SweepPlan:
    """Plans a sweep; nothing is compiled.

    Args:
        settings: Settings of the sweep, which name a device.
        split: Its examples.
    """
    chosen, grid = device(settings.plan or ""), settings.grid
    model, program = MODELS[settings.model], settings.program
    tuned = TPU if chosen.platform == "tpu" else GPU
    room = int(memory.SHARE_OF_ACCELERATOR * chosen.share * chosen.memory)
    pairs = len(grid.whole.pairs)
    most = memory.most_runs(model, split, program, room, pairs, tuned) * settings.devices
    parts = grid.parts(min(most, grid.size))
    largest = max(parts, key=lambda part: part.size)
    # of each device: seeds are shared, or else pairs
    if largest.orders > 1:
        orders, runs = -(-largest.orders // settings.devices), len(largest.pairs)
    else:
        orders, runs = 1, -(-len(largest.pairs) // settings.devices)
    needed = memory.need(model, split, program, orders, runs, tuned).total
    time = least_time(settings, split, grid, chosen)
    numbers = grid.size, largest.size, len(parts), needed, room
    return SweepPlan(chosen, settings.devices, *numbers, time)


def least_time(settings: SweepSettings, split: Split, grid: Grid, chosen: Device) -> Roofline:
    """The roofline of the products of all runs to their last epoch, and of their weights' way."""
    train, validation = (len(part.labels) for part in split)
    schedule = settings.program.schedule(train)
    plan = make_plan(schedule, settings.epochs, 1)
    inputs = split.train.images[0].size + 1
    outputs = MODELS[settings.model].num_classes if settings.model == "softmax" else 1
    weights = inputs * (outputs or 1)
    seen = plan.num_steps * 2 * settings.batch_size
    seen += len(plan.evaluation_steps) * (validation + train)
    itemsize = np.dtype(settings.precision).itemsize
    runs = grid.size / settings.devices
    moved = runs * plan.num_steps * PASSES * weights * itemsize
    return roofline(chosen, settings.precision, runs * 2 * weights * seen, moved)


def show(plan: SweepPlan) -> None:
    """Prints a plan."""
    table = Table(title="Plan; nothing is trained", title_justify="left", show_header=False)
    rows = {
        "device": f"{plan.devices} x {plan.device.title}",
        "runs": f"{plan.runs:,}",
        "runs in a part": f"{plan.runs_of_a_part:,}",
        "parts": f"{plan.parts:,}",
        "memory of a part": f"{plan.memory / 1e9:.2f} GB of {plan.room / 1e9:.1f} GB",
        "time, at least": f"{plan.time.seconds:.3g} s at the published rates ({plan.time.bound})",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table)
