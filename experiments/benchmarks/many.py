"""Many runs: shuffled runs that stop early, runs with many penalties, complete runs."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.benchmarks.floor import measure as measure_floor
from experiments.benchmarks.peers import library, scanned_jax
from experiments.benchmarks.timing import interleaved, timed
from experiments.benchmarks.work import LEARNING_RATE, Work
from experiments.reported import LOGISTIC_RATE
from mnist_jax.data import Mnist, split
from mnist_jax.models import logistic, softmax
from mnist_jax.sweeps import Grid, sweep
from mnist_jax.training import Lag, TrainingSettings

PENALTIES = 64


def stopping_runs(mnist: Mnist, count: int) -> dict[str, Any]:
    """Measures shuffled runs with early stopping, as in task 2d, including compilation.

    A vmapped scan is compared, also by the share of runs that it stops at the same step.
    """
    digits, seeds = split(mnist, digits=(2, 3)), range(count)
    settings, grid = TrainingSettings(criterion=Lag(10)), Grid(seeds, [LOGISTIC_RATE])

    seconds, runs = timed(lambda: sweep(logistic, digits, grid, settings))
    scan_seconds, steps = timed(lambda: scanned_jax.stopping_steps(digits, seeds))
    return {
        "runs": count,
        "seconds": seconds,
        "stopping_step_quantiles": np.quantile(runs.last_step, (0.05, 0.5, 0.95)),
        "vmapped_scan_s": scan_seconds,
        "same_step": float(np.mean(steps == runs.last_step)),
    }


def many_penalties(work: Work, repeats: int) -> dict[str, Any]:
    """Compares a sweep over 64 penalties with a vmapped scan and with its floor."""
    programs = {"sweep": library.prepare, "scan": scanned_jax.prepare}
    prepared = {name: prepare(work, PENALTIES) for name, prepare in programs.items()}
    times = interleaved(prepared, repeats)
    return {
        **times["sweep"].numbers(),
        "vmapped_scan": times["scan"].numbers(),
        "runs": PENALTIES,
        "epochs": work.epochs,
        "seconds_per_run": times["sweep"].median / PENALTIES,
        "floor": measure_floor(work, PENALTIES),
    }


def complete_runs(work: Work, count: int, profile: Path | None) -> dict[str, Any]:
    """Measures complete runs, with a hundred penalties for each seed.

    Args:
        work: Work of each run.
        count: Number of runs, a multiple of 100.
        profile: Folder for a profile of the device; None for no profile.
    """
    settings = TrainingSettings(epochs=work.epochs, batch_size=work.batch_size)
    grid = Grid(range(count // 100), [LEARNING_RATE], np.linspace(0, 0.1, 100).tolist())

    def train(grid: Grid) -> float:
        return timed(lambda: sweep(softmax, work.split, grid, settings))[0]

    first = train(grid)
    if profile is not None:
        with jax.profiler.trace(str(profile)):
            train(grid._replace(seeds=range(1)))
    second = train(grid)
    floor = measure_floor(work, 100)
    rate = floor["gflop"] / 100 * count / second
    return {
        "runs": count,
        "epochs": work.epochs,
        "seconds": second,
        "compile_s": max(0.0, first - second),
        "gflops_per_s": rate,
        "share_of_square_product": rate / floor["square_gflops_per_s"],
        "floor": floor,
    }
