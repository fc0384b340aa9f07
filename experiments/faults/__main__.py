"""Test the readers of data on damaged files, and kill commands at random moments.

Exit codes: 0 for success; 1 if an exception escaped or a finished file was lost; 2 for a user
error, with one message on stderr; 130 after Ctrl-C.
"""

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from experiments.common.command import DONE, exit_code, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings, require_at_least
from experiments.faults.fuzz import fuzz
from experiments.faults.kills import VICTIMS, kill
from mnist_jax.results import environment, write_json

NOT_ROBUST = 1
Part = Literal["fuzz", "kills"]
VictimName = Literal["sweep", "report", "first-fetch"]


@dataclass(frozen=True, kw_only=True)
class FaultSettings(CommandSettings):
    """Settings of the fault tests."""

    output_dir: Path = Path("results/faults")
    """Folder for fuzz.json and kills.json."""

    parts: tuple[Part, ...] = get_args(Part)
    """Tests to run: damaged files, killed processes."""

    inputs: int = 200_000
    """Number of damaged files, for all formats together."""

    kills: int = 50
    """Number of kills, for all commands together."""

    victims: tuple[VictimName, ...] = get_args(VictimName)
    """Commands to kill; kills.json keeps its results for the others."""

    seed: int = 0
    """Seed of the damage and of the moments of the kills."""

    def check(self) -> "FaultSettings":
        """Validates the settings, and returns them."""
        require_at_least(self, inputs=1, kills=1, seed=0)
        return self


def work(settings: FaultSettings, folder: Path) -> int:
    """Runs the requested tests, and writes their results."""
    faults = [fault for part in settings.parts for fault in PARTS[part](settings, folder)]
    return NOT_ROBUST if faults else DONE


def run_fuzz(settings: FaultSettings, folder: Path) -> list[Any]:
    """Reads damaged files and writes fuzz.json; returns the exceptions that escaped."""
    start = time.monotonic()
    with Progress(quiet=settings.quiet) as progress:
        bar = progress.bar("damaged files", settings.inputs)
        results = fuzz(settings.inputs, settings.seed, bar)
    write(folder / "fuzz.json", settings, start, results)
    print(f"{settings.inputs} inputs, {len(results['escaped'])} exceptions escaped")
    return results["escaped"]


def run_kills(settings: FaultSettings, folder: Path) -> list[str]:
    """Kills commands and writes kills.json after each command; returns the lost files."""
    start, path = time.monotonic(), folder / "kills.json"
    victims = json.loads(path.read_text(encoding="utf-8"))["victims"] if path.is_file() else {}
    lost, done = [], 0
    with tempfile.TemporaryDirectory() as work_folder, Progress(quiet=settings.quiet) as progress:
        bar = progress.bar("kills", settings.kills)
        for number, victim in enumerate(VICTIMS):
            share = round(victim.share * settings.kills) if victim.name in settings.victims else 0
            if not share:
                continue
            rng = np.random.default_rng([settings.seed, number])
            update = partial(lambda earlier, kills: bar(earlier + kills), done)
            results = kill(victim, share, rng, Path(work_folder), update)
            done += share
            victims[victim.name] = results
            lost += results["lost"]
            kills = sum(victim["kills"] for victim in victims.values())
            write(path, settings, start, {"kills": kills, "victims": victims})
            print(f"{victim.name}: {share} kills, {len(results['lost'])} finished files lost")
    return lost


PARTS = {"fuzz": run_fuzz, "kills": run_kills}


def write(path: Path, settings: FaultSettings, start: float, results: dict[str, Any]) -> None:
    """Writes results with their settings, environment and duration."""
    record = {"settings": asdict(settings), "environment": environment()}
    write_json(path, {**record, "seconds": round(time.monotonic() - start), **results})
    print(f"written to {path}")


run = partial(run_command, FaultSettings, "experiments.faults", __doc__, work)

if __name__ == "__main__":
    raise SystemExit(exit_code(run))
