"""Measurements of new processes: time of an import, time and memory of all experiments."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from experiments.benchmarks.timing import interleaved


def import_seconds(repeats: int = 5) -> dict[str, Any]:
    """Measures the time to import the library, in total and beyond the import of JAX."""
    modules = {"jax": "jax", "mnist_jax": "mnist_jax.training, mnist_jax.gradcheck"}
    programs = {
        name: _command([sys.executable, "-c", f"import {names}"]) for name, names in modules.items()
    }
    times = interleaved(programs, repeats)
    medians = {name: time.median for name, time in times.items()}
    return {**medians, "beyond_jax": medians["mnist_jax"] - medians["jax"]}


# A process starts with the peak memory of its parent, so a small process measures the command.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], capture_output=True).returncode
unit = 1 if sys.platform == "darwin" else 1024
peak = unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak_gb": peak / 1e9, "exit_code": code}))
"""


def all_experiments(flags: Sequence[str] = ()) -> dict[str, float]:
    """Measures seconds, peak gigabytes and exit code of `python -m experiments`, data cached."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "experiments", "--output-dir", folder, *flags]
        measured = _command([sys.executable, "-c", MEASURE, *command])()
    return json.loads(measured.stdout)


def _command(arguments: list[str]) -> Callable[[], Any]:
    return lambda: subprocess.run(arguments, check=True, capture_output=True)
