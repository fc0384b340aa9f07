"""Division of the steps of a training into programs of equal length."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from mnist_jax.training.settings import Schedule
from mnist_jax.training.tuning import CPU, Tuning


class Plan(NamedTuple):
    """Programs with the same number of periods, each of which ends with an evaluation.

    The first period ends with step 0, which is evaluated. The earlier steps of this period are
    padding, as are those after the last step.
    """

    num_steps: int
    period: int  # steps from one evaluation to the next
    periods_at_once: int

    @property
    def first_step(self) -> int:
        """Global step of the first batch, which is padding if it is negative."""
        return 1 - self.period

    @property
    def steps_at_once(self) -> int:
        """Number of steps in one program."""
        return self.period * self.periods_at_once

    @property
    def evaluation_steps(self) -> Int[np.ndarray, " evaluations"]:
        """Step after whose update each evaluation is done."""
        return np.arange(0, self.num_steps, self.period)


def make_plan(schedule: Schedule, epochs: int, num_runs: int, tuned: Tuning = CPU) -> Plan:
    """Divides the steps of all epochs into programs.

    A program lasts at most about one epoch, longer with few runs, so that one product counts the
    training accuracy of many weights, and shorter if the device cannot store these weights.
    """
    num_steps = epochs * schedule.steps_per_epoch
    period = min(schedule.evaluate_every, num_steps)
    periods = 1 + -(-(num_steps - 1) // period)
    limit = max(schedule.steps_per_epoch // period, tuned.wide // num_runs, 1)
    if tuned.max_collected is not None:
        limit = max(1, min(limit, tuned.max_collected // num_runs))
    programs = -(-periods // limit)
    return Plan(num_steps, period, -(-periods // programs))  # equal sizes, with little padding
