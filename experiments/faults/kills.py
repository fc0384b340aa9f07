"""Processes that are killed at random moments, and whether they lose a finished file."""

import hashlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_jax.data import MNIST_FILES
from mnist_jax.errors import UsageError

SMALL = ("--train-size", "900", "--validation-size", "300", "--quiet", "--output-dir", "{}")
SWEEP = ("--model", "logistic", "--learning-rate", "0.05", "--seeds", "600", "--epochs", "4")
REPORT = ("--quick", "--epochs", "1", "--no-shuffle")
FETCH = "import sys; from mnist_jax.data import load; load(report=lambda line: None)"
MAX_DELAY = 1.0
"""Half of the kills occur within this number of seconds after a file appears or changes."""
_WITH_DURATION = {"report.md", "index.html", "config.json"}


class Victim(NamedTuple):
    """A command that is killed repeatedly."""

    name: str  # name of the command
    share: float  # share of the kills
    # arguments of Python, with a place for the folder, which is empty at first
    arguments: Sequence[str]
    environment: Mapping[str, str]  # environment variables, with a place for the folder
    # function that returns whether a file of this name is complete once it exists
    finished: Callable[[Path], bool]

    def command(self, folder: Path) -> list[str]:
        """Returns the command."""
        return [sys.executable, *(each.replace("{}", str(folder)) for each in self.arguments)]


def _visible(path: Path) -> bool:
    return not path.name.startswith(".") and not path.name.endswith(".checkpoint.npz")


# the report takes longest, and keeps the fewest files from one start to the next
VICTIMS = (
    Victim("sweep", 0.44, ("-m", "experiments.sweep", *SMALL, *SWEEP), {}, _visible),
    Victim("report", 0.12, ("-m", "experiments", *SMALL, *REPORT), {}, _visible),
    Victim(
        *("first-fetch", 0.44, ("-c", FETCH)),
        {"MNIST_JAX_CACHE_DIR": "{}", "MNIST_JAX_DATA_DIR": ""},
        lambda path: path.name in {file.name for file in MNIST_FILES},
    ),
)


def kill(
    victim: Victim,
    kills: int,
    rng: np.random.Generator,
    folder: Path,
    update: Callable[[int], None],
) -> dict[str, Any]:
    """Kills one victim a number of times.

    Each start continues in the folder that the last kill left. When a start runs to its end, its
    output is compared with that of an undisturbed start, and the next start gets a new folder.

    Returns:
        The numbers of kills, complete runs and files, and the lost files.

    Raises:
        UsageError: If the victim fails without being killed.
    """
    reference_folder, start = folder / f"{victim.name} undisturbed", time.monotonic()
    _run_undisturbed(victim, reference_folder)
    seconds = time.monotonic() - start
    reference = digests(reference_folder, victim)
    killed, complete, lost, output = 0, 0, [], folder / f"{victim.name} 0"
    while killed < kills:
        before = digests(output, victim)
        delay = float(rng.uniform(0, MAX_DELAY)) if rng.random() < 0.5 else None
        if code := run(victim, output, float(rng.uniform(0, seconds)), delay):
            if code != -signal.SIGKILL:
                raise UsageError(f"{victim.name} ended with code {code} after {killed} kills.")
            killed += 1
            update(killed)
        after = digests(output, victim)
        lost += [f"{name} after kill {killed}" for name in changed(before, after)]
        if code == 0:
            lost += [f"{name} at the end" for name in changed(reference, after)]
            complete += 1
            output = folder / f"{victim.name} {complete}"
    _run_undisturbed(victim, output)
    lost += [f"{name} at the end" for name in changed(reference, digests(output, victim))]
    return {"kills": killed, "ended": complete + 1, "files": len(reference), "lost": lost}


def run(victim: Victim, folder: Path, moment: float, delay: float | None) -> int:
    """Starts a victim and kills it.

    Args:
        victim: Command to start.
        folder: Folder of the command.
        moment: Seconds from the start to the kill.
        delay: Seconds from the first change of a finished file to the kill, if that is earlier.

    Returns:
        The exit code, 0 if the command ran to its end.
    """

    def changes() -> list[int]:
        return [path.stat().st_mtime_ns for path in finished_files(folder, victim)]

    start, initial = time.monotonic(), changes()
    process = subprocess.Popen(
        victim.command(folder),
        env=os.environ | {n: v.format(folder) for n, v in victim.environment.items()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None and (elapsed := time.monotonic() - start) < moment:
            if delay is not None and changes() != initial:
                moment, delay = elapsed + delay, None
            time.sleep(0.01)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # includes pip, which it may have started
    return process.wait()


def _run_undisturbed(victim: Victim, folder: Path) -> None:
    if code := run(victim, folder, math.inf, None):
        raise UsageError(
            f"{victim.name} ends with code {code} without being killed; see the output of "
            f"`{' '.join(victim.command(folder))}`."
        )


def finished_files(folder: Path, victim: Victim) -> list[Path]:
    """Returns the files that the victim has finished."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and victim.finished(path)]


def digests(folder: Path, victim: Victim) -> dict[str, str]:
    """Returns the digests of the finished files; files with a duration need only be complete."""

    def digest(path: Path) -> str:
        content = path.read_bytes()
        ends = content.rstrip().endswith((b"}", b"`", b"</html>"))
        known = path.name in _WITH_DURATION and ends
        return "complete" if known else hashlib.sha256(content).hexdigest()

    return {str(p.relative_to(folder)): digest(p) for p in finished_files(folder, victim)}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Returns the names of the files that are missing or different afterwards."""
    return [name for name, digest in before.items() if after.get(name) != digest]
