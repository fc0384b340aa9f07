"""Measurements of new processes: time of an import, time and memory of all experiments."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

from experiments.benchmarks.timing import interleaved


def measure(*, quick: bool) -> dict[str, Any]:
    """Measures the time to import the library, and all experiments, each in new processes."""
    modules = {"jax": "jax", "mnist_jax": "mnist_jax.training, mnist_jax.gradcheck"}
    programs = {name: partial(_run, "-c", f"import {names}") for name, names in modules.items()}
    times = interleaved(programs, repeats=1 if quick else 5)
    medians = {name: time.median for name, time in times.items()}
    return {
        "import": {**medians, "beyond_jax": medians["mnist_jax"] - medians["jax"]},
        "experiments": all_experiments(["--quick"] if quick else []),
    }


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


def all_experiments(flags: Sequence[str]) -> dict[str, float]:
    """Measures seconds, peak gigabytes and exit code of `python -m experiments`, data cached."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "experiments", "--output-dir", folder, *flags]
        return json.loads(_run("-c", MEASURE, *command))


def _run(*arguments: str) -> bytes:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True).stdout
