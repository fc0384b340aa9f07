"""Reads very many damaged files, and kills commands at random moments."""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from tyro.conf import FlagCreatePairsOff

from experiments.common.command import DONE, exit_code
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from experiments.faults.fuzz import fuzz
from experiments.faults.kills import kill_all
from mnist_jax.errors import UsageError
from mnist_jax.results import environment, output_folder, write_json

NOT_ROBUST = 1
"""Exit code: an exception escaped, or something finished was lost."""
Part = Literal["fuzz", "kills"]
VictimName = Literal["sweep", "report", "first-fetch"]


@dataclass(frozen=True, kw_only=True)
class FaultSettings:
    """How much is tried."""

    parts: tuple[Part, ...] = ("fuzz", "kills")
    """What to try: damaged files, or processes that are killed."""

    inputs: int = 200_000
    """Number of damaged files, of all formats together."""

    kills: int = 50
    """Number of kills, of all commands together."""

    victims: tuple[VictimName, ...] = get_args(VictimName)
    """What to kill. kills.json keeps what it says of the others."""

    seed: int = 0
    """Seed of the damage and of the moments."""

    output_dir: Path = Path("results/faults")
    """Folder for fuzz.json and kills.json."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress, only what was found and where the files are."""

    def check(self) -> "FaultSettings":
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
    program = "python -m experiments.faults"
    settings = parse_flags(FaultSettings, program, __doc__ or "", arguments).check()
    with output_folder(settings.output_dir) as folder:
        bad = [problem for part in settings.parts for problem in PARTS[part](settings, folder)]
    return NOT_ROBUST if bad else DONE


def try_inputs(settings: FaultSettings, folder: Path) -> list[Any]:
    """Gives damaged files to the readers, and writes fuzz.json.

    Returns:
        What escaped.
    """
    start = time.monotonic()
    with Progress(quiet=settings.quiet) as progress:
        bar = progress.bar("damaged files", settings.inputs)
        found = fuzz(settings.inputs, settings.seed, bar)
    write(folder / "fuzz.json", settings, start, found)
    print(f"{settings.inputs} inputs, {len(found['escaped'])} exceptions escaped")
    return found["escaped"]


def try_kills(settings: FaultSettings, folder: Path) -> list[str]:
    """Kills commands, and writes kills.json whenever one of them is done.

    Returns:
        What was lost.
    """
    start, path = time.monotonic(), folder / "kills.json"
    victims = json.loads(path.read_text(encoding="utf-8"))["victims"] if path.is_file() else {}
    lost = []
    with tempfile.TemporaryDirectory() as place, Progress(quiet=settings.quiet) as progress:
        bar = progress.bar("kills", settings.kills)
        arguments = settings.victims, settings.kills, settings.seed, Path(place), bar
        for name, found in kill_all(*arguments):
            victims[name] = found
            lost += found["lost"]
            kills = sum(victim["kills"] for victim in victims.values())
            write(path, settings, start, {"kills": kills, "victims": victims})
            print(f"{name}: {found['kills']} kills, {len(found['lost'])} finished files lost")
    return lost


PARTS = {"fuzz": try_inputs, "kills": try_kills}


def write(path: Path, settings: FaultSettings, start: float, found: dict[str, Any]) -> None:
    """Writes what was found, with how it was run."""
    about = {"settings": asdict(settings), "environment": environment()}
    write_json(path, {**about, "seconds": round(time.monotonic() - start), **found})
    print(f"written to {path}")


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
