"""Processes that are killed at random moments: nothing that was finished may be lost."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_jax.data import MNIST_FILES
from mnist_jax.errors import UsageError

SMALL = ("--train-size", "900", "--validation-size", "300", "--quiet")
SWEEP = ("--model", "logistic", "--learning-rate", "0.05", "--seeds", "600", "--epochs", "4")
REPORT = ("--quick", "--epochs", "1", "--no-shuffle")
FETCH = "import sys; from mnist_jax.data import load; load(report=lambda line: None)"
SOON = 1.0
"""Half of the kills come within so many seconds after a file has appeared or changed."""
_VOLATILE = {"report.md", "index.html", "config.json"}  # they say how long it took


class Victim(NamedTuple):
    """A command that is killed again and again.

    Attributes:
        name: What it is called.
        share: Its share of the kills.
        command: The command, in an empty folder of its own to begin with.
        environment: Variables that it needs.
        finished: Whether a file, by its name, is complete once it is there, and then kept.
    """

    name: str
    share: float
    command: Callable[[Path], Sequence[str]]
    environment: Callable[[Path], Mapping[str, str]]
    finished: Callable[[Path], bool]


def _module(module: str, *flags: str) -> Callable[[Path], Sequence[str]]:
    return lambda place: (sys.executable, "-m", module, *SMALL, *flags, "--output-dir", str(place))


def _visible(path: Path) -> bool:
    return not path.name.startswith(".") and not path.name.endswith(".checkpoint.npz")


# the report takes longest, and keeps the least from one start to the next
VICTIMS = (
    Victim("sweep", 0.44, _module("experiments.sweep", *SWEEP), lambda place: {}, _visible),
    Victim("report", 0.12, _module("experiments", *REPORT), lambda place: {}, _visible),
    Victim(
        "first-fetch",
        0.44,
        lambda place: (sys.executable, "-c", FETCH),
        lambda place: {"MNIST_JAX_CACHE_DIR": str(place), "MNIST_JAX_DATA_DIR": ""},
        lambda path: path.name in {file.name for file in MNIST_FILES},
    ),
)


def kill_all(
    names: Collection[str], kills: int, seed: int, folder: Path, update: Callable[[int], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kills the victims, in turn, each its share of the kills.

    Args:
        names: Which of them; the others' kills are left out.
        kills: How many of all victims together.
        seed: Decides the moments.
        folder: Where they may write; empty.
        update: Takes the number of kills so far.

    Yields:
        For each victim, how often it was killed, how often it came to its end, what was lost.

    Raises:
        UsageError: If one fails without being killed.
    """
    done = 0
    for number, victim in enumerate(VICTIMS):
        share = round(victim.share * kills)
        if share and victim.name in names:
            rng = np.random.default_rng([seed, number])
            yield victim.name, kill(victim, share, rng, folder, partial(_count, update, done))
            done += share


def _count(update: Callable[[int], None], past: int, kills: int) -> None:
    update(past + kills)


def kill(
    victim: Victim,
    kills: int,
    rng: np.random.Generator,
    folder: Path,
    update: Callable[[int], None],
) -> dict[str, Any]:
    """Kills one victim so many times.

    Each start goes on in the folder that the last kill left. When a start comes to its end, what it
    left is compared with what a start that nobody killed leaves, and a new folder is taken.
    """
    whole, seconds = folder / f"{victim.name} whole", 0.0
    begun = time.monotonic()
    _run_whole(victim, whole)
    seconds = time.monotonic() - begun
    reference = digests(whole, victim)
    killed, ended, lost, place = 0, 0, [], folder / f"{victim.name} 0"
    while killed < kills:
        before = digests(place, victim)
        soon = float(rng.uniform(0, SOON)) if rng.random() < 0.5 else None
        if code := run(victim, place, float(rng.uniform(0, seconds)), soon):
            if code != -signal.SIGKILL:
                raise UsageError(f"{victim.name} ended with code {code} after {killed} kills.")
            killed += 1
            update(killed)
        after = digests(place, victim)
        lost += [f"{name} after kill {killed}" for name in changed(before, after)]
        if code == 0:
            lost += [f"{name} at the end" for name in changed(reference, after)]
            ended += 1
            place = folder / f"{victim.name} {ended}"
    _run_whole(victim, place)
    lost += [f"{name} at the end" for name in changed(reference, digests(place, victim))]
    return {"kills": killed, "ended": ended + 1, "files": len(reference), "lost": lost}


def run(victim: Victim, place: Path, moment: float | None, after_change: float | None) -> int:
    """Starts a victim and kills it.

    Args:
        victim: The victim.
        place: Its folder.
        moment: Seconds after the start; None to leave it alone.
        after_change: Seconds after a finished file has appeared or changed, if one does earlier.

    Returns:
        Its exit code: 0 if it came to its end.
    """
    start, known = time.monotonic(), stamps(place, victim)
    process = subprocess.Popen(
        victim.command(place),
        env={**os.environ, **victim.environment(place)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None and moment is not None:
            now = time.monotonic() - start
            if now >= moment:
                break
            if after_change is not None and stamps(place, victim) != known:
                moment, after_change = now + after_change, None
            time.sleep(0.01)
        if moment is None:
            process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # with pip, which it may have started
    return process.wait()


def _run_whole(victim: Victim, place: Path) -> None:
    if code := run(victim, place, None, None):
        raise UsageError(
            f"{victim.name} ends with code {code} without being killed; see what "
            f"`{' '.join(victim.command(place))}` says."
        )


def finished_files(place: Path, victim: Victim) -> list[Path]:
    """The files that the victim has finished."""
    return [path for path in sorted(place.rglob("*")) if path.is_file() and victim.finished(path)]


def stamps(place: Path, victim: Victim) -> dict[Path, int]:
    """When each was written last."""
    times = {}
    for path in finished_files(place, victim):
        times[path] = path.stat().st_mtime_ns
    return times


def digests(place: Path, victim: Victim) -> dict[str, str]:
    """The content of each; of one that says how long it took, only that it is complete."""
    return {
        str(path.relative_to(place)): "complete"
        if path.name in _VOLATILE and path.read_bytes().rstrip().endswith((b"}", b"`", b"</html>"))
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in finished_files(place, victim)
    }


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What is not as it was."""
    return [name for name, digest in before.items() if after.get(name) != digest]
