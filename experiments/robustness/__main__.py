"""Reads very many damaged files, and kills commands at random moments."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import FlagCreatePairsOff

from experiments.command import DONE, exit_code
from experiments.flags import parse_flags
from experiments.progress import Progress
from experiments.robustness.fuzz import fuzz
from experiments.robustness.kills import kill_all
from mnist_jax.errors import UsageError
from mnist_jax.results import environment, output_folder, write_json

NOT_ROBUST = 1
"""Exit code: an exception escaped, or something finished was lost."""
Part = Literal["fuzz", "kills"]


@dataclass(frozen=True, kw_only=True)
class RobustnessSettings:
    """How much is tried."""

    parts: tuple[Part, ...] = ("fuzz", "kills")
    """What to try: damaged files, or processes that are killed."""

    inputs: int = 200_000
    """Number of damaged files, of all formats together."""

    kills: int = 50
    """Number of kills, of all commands together."""

    seed: int = 0
    """Seed of the damage and of the moments."""

    output_dir: Path = Path("results/robustness")
    """Folder for fuzz.json and kills.json."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress, only what was found and where the files are."""

    def check(self) -> "RobustnessSettings":
        """The settings, or a UsageError for what is wrong with them."""
        for name, lowest in (("inputs", 1), ("kills", 1), ("seed", 0)):
            if getattr(self, name) < lowest:
                raise UsageError(f"{name} is {getattr(self, name)}; give at least {lowest}.")
        return self


def run(arguments: Sequence[str] | None = None) -> int:
    """Tries how robust the readers and the commands are.

    Args:
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """
    program = "python -m experiments.robustness"
    settings = parse_flags(RobustnessSettings, program, __doc__ or "", arguments).check()
    sound = True
    with output_folder(settings.output_dir) as folder:
        for part in settings.parts:
            start = time.monotonic()
            with Progress(quiet=settings.quiet) as progress:
                found = {"fuzz": try_inputs, "kills": try_kills}[part](settings, progress)
            about = {"settings": asdict(settings), "environment": environment()}
            seconds = round(time.monotonic() - start)
            write_json(folder / f"{part}.json", {**about, "seconds": seconds, **found})
            bad = found["escaped"] if part == "fuzz" else found["lost"]
            sound = sound and not bad
            print(f"{part}: {describe(found)}; written to {folder / f'{part}.json'}")
    return DONE if sound else NOT_ROBUST


def try_inputs(settings: RobustnessSettings, progress: Progress) -> dict[str, Any]:
    """What the readers make of damaged files."""
    return fuzz(settings.inputs, settings.seed, progress.bar("damaged files", settings.inputs))


def try_kills(settings: RobustnessSettings, progress: Progress) -> dict[str, Any]:
    """What is left of commands that are killed."""
    bar = progress.bar("kills", settings.kills)
    with tempfile.TemporaryDirectory() as place:
        victims = kill_all(settings.kills, settings.seed, Path(place), bar)
    lost = [f"{name}: {what}" for name, victim in victims.items() for what in victim["lost"]]
    return {"kills": settings.kills, "victims": victims, "lost": lost}


def describe(found: dict[str, Any]) -> str:
    """A line on what was found."""
    if "lost" in found:
        return f"{found['kills']} kills, {len(found['lost'])} finished files lost"
    return f"{found['inputs']} inputs, {len(found['escaped'])} exceptions escaped"


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
