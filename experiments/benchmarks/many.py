"""Very many runs: shuffled runs that stop early, runs of many penalties, complete runs."""

import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.benchmarks.floor import measure as floor
from experiments.benchmarks.peers import library, scanned_jax, scanned_stopping
from experiments.benchmarks.timing import interleaved
from experiments.benchmarks.work import LEARNING_RATE, Work
from experiments.reported import LOGISTIC_RATE
from mnist_jax.data import Mnist, split
from mnist_jax.models import logistic, softmax
from mnist_jax.sweeps import Grid, sweep
from mnist_jax.training import Lag, TrainingSettings

PENALTIES = 64


def stopping_runs(mnist: Mnist, count: int) -> dict[str, Any]:
    """Shuffled, early-stopped runs of task 2d.

    Args:
        mnist: The data.
        count: How many.

    Returns:
        Seconds, compilation included, and where they stopped; the seconds of a vmapped scan, and
        the share of runs that it stops at the same step.
    """
    digits, seeds = split(mnist, digits=(2, 3)), range(count)
    start = time.perf_counter()
    settings = TrainingSettings(criterion=Lag(10))
    runs = sweep(logistic, digits, Grid(seeds, [LOGISTIC_RATE]), settings)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    stopped = scanned_stopping.prepare(digits, seeds)()
    return {
        "runs": count,
        "seconds": seconds,
        "stopping_step_quantiles": np.quantile(runs.last_step, (0.05, 0.5, 0.95)),
        "vmapped_scan_s": time.perf_counter() - start,
        "same_step": float(np.mean(stopped == runs.last_step)),
    }


def many_penalties(work: Work, repeats: int) -> dict[str, Any]:
    """A sweep of 64 factors of the penalty against a vmapped scan and against its floor.

    Args:
        work: Work of each run.
        repeats: How often.

    Returns:
        Seconds in all and per run, those of the scan, and the floor.
    """
    programs = {
        "sweep": library.prepare(work, PENALTIES),
        "vmapped scan": scanned_jax.prepare(work, PENALTIES),
    }
    measured = interleaved(programs, repeats)
    times, least = measured["sweep"], floor(work, PENALTIES)
    return {
        **times.numbers(),
        "vmapped_scan": measured["vmapped scan"].numbers(),
        "runs": PENALTIES,
        "epochs": work.epochs,
        "seconds_per_run": times.median / PENALTIES,
        "floor": least,
    }


def complete_runs(work: Work, count: int, profile: Path | None) -> dict[str, Any]:
    """Complete runs of the work, a hundred penalties with each seed.

    Args:
        work: Work of each run.
        count: How many, a multiple of 100.
        profile: Folder for a profile of the device; None for none.

    Returns:
        Seconds, and the rate of floating-point operations beside that of a large product.
    """
    settings = TrainingSettings(epochs=work.epochs, batch_size=work.batch_size)
    grid = Grid(range(count // 100), [LEARNING_RATE], np.linspace(0, 0.1, 100).tolist())

    def train(grid: Grid) -> float:
        start = time.perf_counter()
        sweep(softmax, work.split, grid, settings)
        return time.perf_counter() - start

    first = train(grid)
    if profile is not None:
        with jax.profiler.trace(str(profile)):
            train(grid._replace(seeds=range(1)))
    seconds = train(grid)
    least = floor(work, 100)
    rate = least["gflop"] / 100 * count / seconds
    return {
        "runs": count,
        "seconds": seconds,
        "compile_s": max(0.0, first - seconds),
        "gflops_per_s": rate,
        "share_of_square_product": rate / least["square_gflops_per_s"],
        "floor": least,
    }
