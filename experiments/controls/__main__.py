"""Test the gradient checker on wrong and correct gradients: `python -m experiments.controls`.

The controls are mistakes in the report's gradients, correct gradients on random problems, gradients
that other people wrote with three mistakes in each, and other checkers on the same gradients.

Exit codes: 0 if every mistake is caught and every correct gradient passes; 1 otherwise; 2 for a
user error, with one message on stderr; 130 if interrupted.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import jax
from rich.console import Console

from experiments.common.command import DONE, exit_code, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings, require_at_least
from experiments.controls import formulas, problems, summary
from experiments.controls.checking import Outcome, Verdict, check_mutations, check_problems
from experiments.controls.foreign import FOREIGN
from experiments.controls.foreign.judging import Judged, judge
from experiments.controls.foreign.summary import foreign_numbers, foreign_table, passed
from experiments.controls.formulas import Proof
from experiments.controls.mutations import MUTATIONS
from experiments.controls.peers.comparing import Answer, compare, everything
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

    parts: tuple[Part, ...] = ("mutations", "problems", "formulas", "foreign", "peers")
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


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the controls from the command line; returns the exit code."""
    return run_command(ControlSettings, "experiments.controls", __doc__, work, arguments)


def work(settings: ControlSettings, folder: Path) -> int:
    """Runs the requested parts, writes controls.json and prints the results."""
    start = time.monotonic()
    with Progress(quiet=settings.quiet) as progress:
        found = find(settings, progress)
    write(folder, settings, found, time.monotonic() - start)
    show(found, quiet=settings.quiet)
    print(f"written to {folder / 'controls.json'}")
    return DONE if found.trusted else NOT_TRUSTED


class Found(NamedTuple):
    """The results of all parts; empty for a part that was not run.

    Attributes:
        verdicts: Verdicts on the mutations.
        outcomes: Outcomes of the problems.
        proofs: Verdicts of ball arithmetic on the mutations.
        formulas: Verdicts of ball arithmetic on the correct gradients.
        judged: Judgements on the foreign gradients.
        answers: Answers of all checkers.
    """

    verdicts: list[Verdict]
    outcomes: list[Outcome]
    proofs: list[Proof]
    formulas: list[formulas.Judged]
    judged: list[Judged]
    answers: list[Answer]

    @property
    def trusted(self) -> bool:
        """Whether every mistake is caught and every right gradient passes."""
        checked = [each for each in self.judged if each.right]
        return (
            all(verdict.caught for verdict in self.verdicts)
            and not any(outcome.failed for outcome in self.outcomes)
            and not any(each.formula.verdict == "different" for each in self.formulas)
            and all(passed(each) and all(one.caught for one in each.wrong) for each in checked)
        )


def find(settings: ControlSettings, progress: Progress) -> Found:
    """Runs the requested parts one after another."""
    return Found(
        wrong_gradients(settings, progress) if "mutations" in settings.parts else [],
        right_gradients(settings, progress) if "problems" in settings.parts else [],
        wrong_formulas(progress) if "formulas" in settings.parts else [],
        right_formulas(settings, progress) if "formulas" in settings.parts else [],
        foreign_gradients(settings, progress) if "foreign" in settings.parts else [],
        other_checkers(settings, progress) if "peers" in settings.parts else [],
    )


def wrong_gradients(settings: ControlSettings, progress: Progress) -> list[Verdict]:
    """Checks every mutation."""
    names = [mutation.name for mutation in MUTATIONS]
    update = progress.bar("wrong gradients", len(names))
    verdicts = spread(check_mutations, [[name] for name in names], settings.workers, update)
    return sorted(verdicts, key=lambda verdict: names.index(verdict.name))


def right_gradients(settings: ControlSettings, progress: Progress) -> list[Outcome]:
    """Checks the correct gradients on every problem."""
    update = progress.bar("right gradients", settings.problems)
    work = partial(check_problems, seed=settings.seed)
    batches = problems.batches(settings.problems, settings.seed)
    outcomes = spread(work, batches, settings.workers, update)
    return sorted(outcomes, key=lambda outcome: outcome.kind.number)


def wrong_formulas(progress: Progress) -> list[Proof]:
    """Judges the formula of every mutation, in one process, because it is timed."""
    names = [mutation.name for mutation in MUTATIONS]
    update = progress.bar("wrong formulas", len(names))
    return spread(formulas.judge_mutations, [[name] for name in names], 1, update)


def right_formulas(settings: ControlSettings, progress: Progress) -> list[formulas.Judged]:
    """Judges the formulas of the correct gradients on every problem."""
    update = progress.bar("right formulas", settings.problems)
    work = partial(formulas.judge_problems, seed=settings.seed)
    batches = problems.batches(settings.problems, settings.seed)
    return spread(work, batches, settings.workers, update)


def foreign_gradients(settings: ControlSettings, progress: Progress) -> list[Judged]:
    """Checks the gradients that others wrote, and the mistakes in each."""
    names = [entry.name for entry in FOREIGN]
    update = progress.bar("foreign gradients", len(names))
    judged = spread(judge, [[name] for name in names], settings.workers, update)
    return sorted(judged, key=lambda each: names.index(each.name))


def other_checkers(settings: ControlSettings, progress: Progress) -> list[Answer]:
    """Runs every checker on the same gradients."""
    work = everything()
    update = progress.bar("other checkers", len(work))
    done = spread(compare, [[each] for each in work], settings.workers, update)
    return sorted((each for answers in done for each in answers), key=lambda a: work.index(a.work))


def show(found: Found, *, quiet: bool) -> None:
    """Prints the tables and a summary of each part."""
    console = Console(quiet=quiet)
    if found.verdicts:
        console.print(summary.mutation_table(found.verdicts))
        caught = sum(verdict.caught for verdict in found.verdicts)
        total = len(found.verdicts)
        print(f"{caught} of {total} mistakes caught in float32 alone and in float64 alone")
    if found.outcomes:
        console.print(summary.family_table(found.outcomes), summary.excess_table(found.outcomes))
        alarms = sum(bool(outcome.failed) for outcome in found.outcomes)
        print(f"{alarms} false alarms on {len(found.outcomes)} problems")
    if found.proofs:
        wrong, right = formulas.formula_numbers(found.proofs, found.formulas).values()
        print("{different} of {total} mistakes proved, in {seconds:.1f} s".format(**wrong))
        print("{equal} of {total} right formulas equal to 30 digits, ".format(**right), end="")
        print("{equal_to_data} to those of their data, ".format(**right), end="")
        print(f"{sum(right['not_told'].values())} not told, {right['different']} different")
    if found.judged:
        console.print(foreign_table(found.judged))
        numbers = foreign_numbers(found.judged)
        print("{passed} of {total} foreign gradients pass, ".format(**numbers), end="")
        print("{caught} of {wrong} wrong ones are caught, {named} named".format(**numbers))
    if found.answers:
        rows = peer_numbers(found.answers, found.judged)
        console.print(peer_table("All checkers on the controls", rows["controls"]))
        console.print(peer_table("All checkers on the foreign gradients", rows["foreign"]))
        if rows["absent"]:
            print(f"not installed, and skipped: {', '.join(rows['absent'])}")


def write(folder: Path, settings: ControlSettings, found: Found, seconds: float) -> None:
    """Writes controls.json: the parts that were run, and those that it holds already."""
    path = folder / "controls.json"
    parts = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if "mutations" in settings.parts:
        parts["mutations"] = summary.mutation_numbers(found.verdicts)
    if "problems" in settings.parts:
        parts["problems"] = summary.problem_numbers(found.outcomes)
    if "formulas" in settings.parts:
        parts["formulas"] = formulas.formula_numbers(found.proofs, found.formulas)
    if "foreign" in settings.parts:
        parts["foreign"] = foreign_numbers(found.judged)
    if "peers" in settings.parts:
        parts["peers"] = peer_numbers(found.answers, found.judged)
    about = {
        "settings": asdict(settings),
        "environment": environment(),
        "seconds": round(seconds),
    }
    write_json(path, parts | about)


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
