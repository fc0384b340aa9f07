"""Whole processes: how long an import takes, and all experiments, with their memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from experiments.benchmarks.timing import interleaved


def import_seconds(repeats: int = 5) -> dict[str, Any]:
    """What importing the library takes beyond importing JAX."""
    programs = {
        name: _command([sys.executable, "-c", f"import {name}"]) for name in ("jax", "mnist_jax")
    }
    times = interleaved(programs, repeats)
    seconds = {name: each.median for name, each in times.items()}
    return {**seconds, "beyond_jax": seconds["mnist_jax"] - seconds["jax"]}


def all_experiments(flags: Sequence[str] = ()) -> dict[str, float]:
    """`python -m experiments`, data cached: wall time and the most memory it had.

    Args:
        flags: Of the command.

    Returns:
        Seconds and gigabytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "experiments", "--output-dir", folder, *flags]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": seconds,
        "peak_gb": usage.ru_maxrss * 1024 / 1e9,
        "exit_code": process.returncode,
    }


def _command(arguments: list[str]) -> Any:
    return lambda: subprocess.run(arguments, check=True, capture_output=True)
