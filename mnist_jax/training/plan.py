"""How the steps of a training run are cut into the programs that do them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from mnist_jax.training.settings import Schedule
from mnist_jax.training.tuning import CPU, Tuning


class Plan(NamedTuple):
    """Programs of equally many periods, each of which ends with an evaluation.

    The first period ends with step 0, which is evaluated. What comes before it in that period is
    left out, as are the steps after the last one.

    Attributes:
        num_steps: Number of steps of all epochs.
        period: Steps from one evaluation to the next.
        periods_at_once: Number of periods of one program.
    """

    num_steps: int
    period: int
    periods_at_once: int

    @property
    def lead(self) -> int:
        """Steps of the first period that are left out."""
        return self.period - 1

    @property
    def steps_at_once(self) -> int:
        """Steps of one program."""
        return self.period * self.periods_at_once

    @property
    def evaluation_steps(self) -> Int[np.ndarray, " evaluations"]:
        """The step after whose update each evaluation is done."""
        return np.arange(0, self.num_steps, self.period)


def make_plan(schedule: Schedule, epochs: int, num_runs: int, tuned: Tuning = CPU) -> Plan:
    """Cuts the steps of all epochs into programs.

    Args:
        schedule: Steps of an epoch, and from one evaluation to the next.
        epochs: How many.
        num_runs: Runs of one program.
        tuned: Tuning of the device.

    Returns:
        Programs of at most about an epoch; longer ones for a few runs, so that the training
        accuracy of many weights is one product; shorter ones where the weights that they set aside
        would be too many for the device.

    Example:
        >>> plan = make_plan(Schedule(steps_per_epoch=28, evaluate_every=5), 50, num_runs=1)
        >>> plan.steps_at_once, plan.lead, plan.evaluation_steps[-1].item()
        (180, 4, 1395)
    """
    num_steps = epochs * schedule.steps_per_epoch
    period = min(schedule.evaluate_every, num_steps)
    periods = 1 + -(-(num_steps - 1) // period)
    most = max(schedule.steps_per_epoch // period, tuned.wide // num_runs, 1)
    if tuned.set_aside is not None:
        most = max(1, min(most, tuned.set_aside // num_runs))
    programs = -(-periods // most)
    return Plan(num_steps, period, -(-periods // programs))  # of one size, with little to spare
