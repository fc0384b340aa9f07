"""Test the gradient checker on wrong and correct gradients: `python -m experiments.controls`.

The controls are mistakes in the report's gradients, correct gradients on random problems, gradients
that other people wrote with three mistakes in each, and other checkers on the same gradients.

Exit codes: 0 if every mistake is caught and every correct gradient passes; 1 otherwise; 2 for a
user error, with one message on stderr; 130 if interrupted.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import jax
from rich.console import Console
from rich.table import Table

from experiments.common.command import DONE, exit_code, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings, require_at_least
from experiments.controls import problems, summary
from experiments.controls.checking import check_mutation, check_problem
from experiments.controls.foreign import FOREIGN
from experiments.controls.foreign.judging import judge
from experiments.controls.foreign.summary import foreign_numbers, foreign_table
from experiments.controls.formulas import formula_numbers, judge_mutation, judge_problem
from experiments.controls.mutations import MUTATIONS
from experiments.controls.peers.comparing import compare, everything
from experiments.controls.peers.summary import peer_numbers, peer_table
from experiments.controls.workers import spread
from mnist_jax.errors import UsageError
from mnist_jax.results import environment, write_json

NOT_TRUSTED = 1
Part = Literal["mutations", "problems", "formulas", "foreign", "peers"]


@dataclass(frozen=True, kw_only=True)
class ControlSettings(CommandSettings):
    """Command-line settings of the controls."""

    output_dir: Path = Path("results/controls")
    """Folder for the output."""

    parts: tuple[Part, ...] = get_args(Part)
    """Parts to run; controls.json keeps the others that it holds."""

    problems: int = 10_000
    """Number of random problems on which the correct gradients must pass."""

    seed: int = 0
    """Seed of the random problems."""

    processes: int | None = None
    """Number of processes; by default one per core, or one on an accelerator."""

    def check(self) -> "ControlSettings":
        """Validates the settings, and returns them."""
        require_at_least(self, problems=0, seed=0, processes=1)
        if "peers" in self.parts and "foreign" not in self.parts:
            raise UsageError("parts has peers without foreign, on which they are compared; add it.")
        return self

    @property
    def workers(self) -> int:
        """The number of processes to use."""
        on_cpu = jax.default_backend() == "cpu"
        return self.processes or (os.cpu_count() if on_cpu else None) or 1


class Found(NamedTuple):
    """The results of a part."""

    numbers: dict[str, Any]  # contents of controls.json
    shown: Sequence[Table | str]  # tables and lines to print
    trusted: bool = True  # whether every mistake is caught and every correct gradient passes


def work(settings: ControlSettings, folder: Path) -> int:
    """Runs the requested parts, writes controls.json and prints the results."""
    start, path, console = time.monotonic(), folder / "controls.json", Console(quiet=settings.quiet)
    found: dict[str, Found] = {}
    with Progress(quiet=settings.quiet) as progress:
        for name, part in PARTS.items():
            if name in settings.parts:
                found[name] = part(settings, progress, found)
    written = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    written |= {name: part.numbers for name, part in found.items()}
    seconds = round(time.monotonic() - start)
    about = {"settings": asdict(settings), "environment": environment(), "seconds": seconds}
    write_json(path, written | about)
    for shown in chain.from_iterable(part.shown for part in found.values()):
        if isinstance(shown, str):
            print(shown)
        else:
            console.print(shown)
    print(f"written to {path}")
    return DONE if all(part.trusted for part in found.values()) else NOT_TRUSTED


def mutations(settings: ControlSettings, progress: Progress, _: Mapping[str, Found]) -> Found:
    """Checks every mutation."""
    names = [[mutation.name] for mutation in MUTATIONS]
    bar = partial(progress.bar, "wrong gradients")
    verdicts = spread(check_mutation, names, settings.workers, bar)
    numbers = summary.mutation_numbers(verdicts)
    caught = sum(verdict.caught for verdict in verdicts)
    line = f"{caught} of {len(names)} mistakes caught in float32 alone and in float64 alone"
    return Found(numbers, [summary.mutation_table(verdicts), line], not numbers["missed"])


def random_problems(settings: ControlSettings, progress: Progress, _: Mapping[str, Found]) -> Found:
    """Checks the correct gradients on every problem."""
    batches = problems.batches(settings.problems, settings.seed)
    check = partial(check_problem, seed=settings.seed)
    outcomes = spread(check, batches, settings.workers, partial(progress.bar, "right gradients"))
    outcomes.sort(key=lambda outcome: outcome.kind.number)
    numbers = summary.problem_numbers(outcomes)
    line = f"{numbers['false_alarms']} false alarms on {len(outcomes)} problems"
    shown = [summary.family_table(outcomes), summary.excess_table(outcomes), line]
    return Found(numbers, shown if outcomes else [], not numbers["alarms"])


def all_formulas(settings: ControlSettings, progress: Progress, _: Mapping[str, Found]) -> Found:
    """Judges the formulas of every mutation and problem; mutations in one process, being timed."""
    names = [[mutation.name] for mutation in MUTATIONS]
    proofs = spread(judge_mutation, names, 1, partial(progress.bar, "wrong formulas"))
    batches = problems.batches(settings.problems, settings.seed)
    check = partial(judge_problem, seed=settings.seed)
    checked = spread(check, batches, settings.workers, partial(progress.bar, "right formulas"))
    numbers = formula_numbers(proofs, checked)
    wrong, right = numbers["wrong"], numbers["right"]
    lines = (
        "{different} of {total} mistakes proved, in {seconds:.1f} s".format(**wrong),
        "{equal} of {total} right formulas equal to 30 digits, {equal_to_data} to those of their "
        "data, {untold} not told, {different} different".format(
            **right, untold=sum(right["not_told"].values())
        ),
    )
    return Found(numbers, lines, not right["different"])


def foreign(settings: ControlSettings, progress: Progress, _: Mapping[str, Found]) -> Found:
    """Checks the gradients that others wrote, and the mistakes in each."""
    names = [[entry.name] for entry in FOREIGN]
    judged = spread(judge, names, settings.workers, partial(progress.bar, "foreign gradients"))
    numbers = foreign_numbers(judged)
    line = (
        "{passed} of {total} foreign gradients pass, {caught} of {wrong} wrong ones are caught, "
        "{named} named".format(**numbers)
    )
    trusted = numbers["passed"] == numbers["total"] and numbers["caught"] == numbers["wrong"]
    return Found(numbers, [foreign_table(judged), line], trusted)


def peers(settings: ControlSettings, progress: Progress, found: Mapping[str, Found]) -> Found:
    """Runs every checker on the same gradients."""
    works = [[each] for each in everything()]
    answers = spread(compare, works, settings.workers, partial(progress.bar, "other checkers"))
    numbers = peer_numbers([*chain(*answers)], found["foreign"].numbers["each"])
    shown: list[Table | str] = [
        peer_table("All checkers on the controls", numbers["controls"]),
        peer_table("All checkers on the foreign gradients", numbers["foreign"]),
    ]
    if numbers["absent"]:
        shown.append(f"not installed, and skipped: {', '.join(numbers['absent'])}")
    return Found(numbers, shown)


PARTS: dict[Part, Callable[[ControlSettings, Progress, Mapping[str, Found]], Found]] = {
    "mutations": mutations,
    "problems": random_problems,
    "formulas": all_formulas,
    "foreign": foreign,
    "peers": peers,
}
"""Parts by name; each takes what the parts before it found."""


run = partial(run_command, ControlSettings, "experiments.controls", __doc__, work)

if __name__ == "__main__":
    raise SystemExit(exit_code(run))
