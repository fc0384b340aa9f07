"""Whole processes: how long an import takes, and all experiments, with their memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from experiments.benchmarks.timing import interleaved


def import_seconds(repeats: int = 5) -> dict[str, Any]:
    """What importing the library takes beyond importing JAX."""
    imported = {"jax": "jax", "mnist_jax": "mnist_jax.training, mnist_jax.gradcheck"}
    programs = {
        name: _command([sys.executable, "-c", f"import {modules}"])
        for name, modules in imported.items()
    }
    times = interleaved(programs, repeats)
    seconds = {name: each.median for name, each in times.items()}
    return {**seconds, "beyond_jax": seconds["mnist_jax"] - seconds["jax"]}


# A process counts the memory of the one that started it as its own most, so a small one starts it.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], capture_output=True).returncode
unit = 1 if sys.platform == "darwin" else 1024
most = unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "peak_gb": most / 1e9, "exit_code": code}))
"""


def all_experiments(flags: Sequence[str] = ()) -> dict[str, float]:
    """`python -m experiments`, data cached: wall time and the most memory it had.

    Args:
        flags: Flags of the command.

    Returns:
        Seconds, gigabytes, exit code.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "experiments", "--output-dir", folder, *flags]
        measured = _command([sys.executable, "-c", MEASURE, *command])()
    return json.loads(measured.stdout)


def _command(arguments: list[str]) -> Any:
    return lambda: subprocess.run(arguments, check=True, capture_output=True)
