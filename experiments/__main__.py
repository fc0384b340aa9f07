"""All experiments, then the report: `python -m experiments`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments import reported
from experiments.common import task
from experiments.common.claims import JudgedClaim
from experiments.common.command import (
    announce,
    exit_code,
    load,
    measure,
    parse,
    report_divergence,
    require_device,
)
from experiments.common.settings import Settings
from experiments.common.task import Task
from experiments.report.judging import Finished, judge_all
from experiments.report.processes import Save, drawing_processes
from experiments.task1_gradients.__main__ import TASK as TASK1
from experiments.task2_logistic.__main__ import TASK as TASK2
from experiments.task3_softmax.__main__ import TASK as TASK3
from experiments.task4_regularization.__main__ import TASK as TASK4
from mnist_jax.data import Mnist, Selection
from mnist_jax.results import output_folder

TASKS: tuple[Task[Any], ...] = (TASK1, TASK2, TASK3, TASK4)


@dataclass(frozen=True, kw_only=True)
class AllSettings(Settings):
    """Settings of all tasks; where a task has its own, None stands for that."""

    validation_selection: Selection | None = None
    """The last test images in file order, or images drawn at random; by default each task's own."""

    learning_rate: float | None = None
    """Learning rate of plain stochastic gradient descent; by default each task's own."""

    l2: tuple[float, ...] = reported.L2_FACTORS
    """Factors of the L2 penalty in task 4, a run for each."""

    digits: tuple[int, int] = reported.DIGITS
    """The two digits of tasks 1a and 2: the first is target 1, the second target 0."""


def settings_of(chosen: Task[Any], everything: AllSettings) -> Any:
    """A task's own settings, with those given for all of them."""
    given = {f.name: getattr(everything, f.name) for f in fields(everything)}
    if chosen is not TASK4:
        del given["l2"]
    names = {f.name for f in fields(chosen.settings)}
    given = {name: value for name, value in given.items() if name in names and value is not None}
    given["output_dir"] = everything.output_dir / chosen.name
    return chosen.settings(**given).check().shortened()


def run_all(arguments: Sequence[str] | None = None) -> int:
    """Runs every task and writes the report; returns the exit code."""
    from experiments.report.document import Report, write

    start = time.monotonic()
    everything = parse(
        AllSettings, "experiments", "Run every experiment and write the report.", arguments
    )
    settings = [settings_of(chosen, everything) for chosen in TASKS]
    with output_folder(everything.output_dir) as folder, drawing_processes() as save:
        require_device()
        mnist = load(everything)
        announce(folder, quiet=everything.quiet)
        ran = [run_one(*each, mnist, save) for each in zip(TASKS, settings, strict=True)]
        finished = [each() for each in ran]
        report = Report(
            folder=folder,
            settings=everything,
            config=task.config(everything, mnist),
            seconds=time.monotonic() - start,
            experiments=finished,
            claims=judge_all(finished),
        )
        write(report)
    if not everything.quiet:
        show_claims(report.claims)
    print(f"the report is {folder / 'report.md'}, as a page {folder / 'index.html'}")
    return report_divergence({each.task.name: each.result for each in finished}, folder)


def run_one(chosen: Task[Any], settings: Any, mnist: Mnist, save: Save) -> Callable[[], Finished]:
    """Runs one task; returns a function that waits for its figures."""
    with output_folder(settings.output_dir) as folder:
        result, figures = measure(chosen, settings, mnist, folder, save)
    return lambda: Finished(chosen, settings, result, {n: f.result() for n, f in figures.items()})


def show_claims(claims: Sequence[JudgedClaim]) -> None:
    """Print the verdicts."""
    table = Table(title="The report's claims", title_justify="left")
    for column in ("the report says", "measured", "verdict"):
        table.add_column(column)
    for claim in claims:
        table.add_row(claim.says, claim.measured, claim.verdict)
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(exit_code(run_all))
