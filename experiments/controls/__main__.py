"""Wrong gradients that must be caught, right ones that must pass: `python -m experiments.controls`.

Exit codes: 0 every mistake is caught and there is no false alarm; 1 otherwise; 2 wrong use, one
message on stderr; 130 interrupted.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import jax
from rich.console import Console
from tyro.conf import FlagCreatePairsOff

from experiments.command import DONE, announce, exit_code
from experiments.controls import problems, summary
from experiments.controls.checking import Outcome, Verdict, check_mutations, check_problems
from experiments.controls.mutations import MUTATIONS
from experiments.controls.workers import spread
from experiments.flags import parse_flags
from experiments.progress import Progress
from mnist_jax.errors import UsageError
from mnist_jax.results import environment, output_folder, write_json

NOT_TRUSTED = 1


@dataclass(frozen=True, kw_only=True)
class ControlSettings:
    """How much is checked, and where the numbers go."""

    problems: int = 10_000
    """Random problems on which the right gradients must pass."""

    seed: int = 0
    """Of the random problems."""

    processes: int | None = None
    """How many work at once; by default one per core, and a single one on an accelerator."""

    output_dir: Path = Path("results/controls")
    """Folder for what this command writes."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress and no tables, only where the files are and what went wrong."""

    def check(self) -> "ControlSettings":
        """The settings, or a UsageError for what is wrong with them."""
        for name, lowest in (("problems", 0), ("seed", 0), ("processes", 1)):
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise UsageError(f"{name} is {value}; give at least {lowest}.")
        return self

    @property
    def workers(self) -> int:
        """How many processes to use."""
        on_cpu = jax.default_backend() == "cpu"
        return self.processes or (os.cpu_count() if on_cpu else None) or 1


def run(arguments: Sequence[str] | None = None) -> int:
    """Checks the checker.

    Args:
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """
    program = "python -m experiments.controls"
    settings = parse_flags(ControlSettings, program, __doc__ or "", arguments).check()
    start = time.monotonic()
    with output_folder(settings.output_dir) as folder:
        announce(folder, quiet=settings.quiet)
        with Progress(quiet=settings.quiet) as progress:
            verdicts = wrong_gradients(settings, progress)
            outcomes = right_gradients(settings, progress)
        write(folder, settings, verdicts, outcomes, time.monotonic() - start)
    show(verdicts, outcomes, quiet=settings.quiet)
    print(f"written to {folder / 'controls.json'}")
    trusted = all(v.caught for v in verdicts) and not any(o.failed for o in outcomes)
    return DONE if trusted else NOT_TRUSTED


def wrong_gradients(settings: ControlSettings, progress: Progress) -> list[Verdict]:
    """What is said of every mutation."""
    names = [mutation.name for mutation in MUTATIONS]
    update = progress.bar("wrong gradients", len(names))
    verdicts = spread(check_mutations, [[name] for name in names], settings.workers, update)
    return sorted(verdicts, key=lambda verdict: names.index(verdict.name))


def right_gradients(settings: ControlSettings, progress: Progress) -> list[Outcome]:
    """What is said of the right gradients on every problem."""
    update = progress.bar("right gradients", settings.problems)
    work = partial(check_problems, seed=settings.seed)
    batches = problems.batches(settings.problems, settings.seed)
    outcomes = spread(work, batches, settings.workers, update)
    return sorted(outcomes, key=lambda outcome: outcome.kind.number)


def show(verdicts: list[Verdict], outcomes: list[Outcome], *, quiet: bool) -> None:
    """Prints the tables, and how many mistakes are missed."""
    console = Console(quiet=quiet)
    console.print(summary.mutation_table(verdicts))
    if outcomes:
        console.print(summary.family_table(outcomes), summary.excess_table(outcomes))
    caught = sum(verdict.caught for verdict in verdicts)
    alarms = sum(bool(outcome.failed) for outcome in outcomes)
    print(f"{caught} of {len(verdicts)} mistakes caught in float32 alone and in float64 alone")
    print(f"{alarms} false alarms on {len(outcomes)} problems")


def write(
    folder: Path,
    settings: ControlSettings,
    verdicts: list[Verdict],
    outcomes: list[Outcome],
    seconds: float,
) -> None:
    """Writes controls.json."""
    numbers = {
        "settings": asdict(settings),
        "environment": environment(),
        "seconds": round(seconds),
        "mutations": summary.mutation_numbers(verdicts),
        "problems": summary.problem_numbers(outcomes),
    }
    write_json(folder / "controls.json", numbers)


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
