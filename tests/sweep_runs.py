"""Small sweeps, run in this process or in another one, and a free address for processes."""

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

from experiments.common.command import run_task
from experiments.sweep import __main__ as command

FLAGS = [
    *("--train-size", "900", "--validation-size", "300", "--epochs", "2", "--batch-size", "16"),
    *("--model", "logistic", "--l2", "0", "0.1", "--learning-rate", "0.05", "0.5", "--seeds", "3"),
]


def run(folder: Path, *flags: str) -> int:
    return run_task(command.TASK, [*FLAGS, *flags, "--output-dir", str(folder)])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "runs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def start_process(folder: Path, *flags: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.sweep", *FLAGS, *flags, "--output-dir", str(folder)],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
