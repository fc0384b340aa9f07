"""Runs the checker on wrong and correct gradients: the work of one process."""

from functools import cache
from typing import Any, NamedTuple

from experiments.controls.mutations import MUTATIONS
from experiments.controls.problems import Kind, problem
from experiments.controls.tasks import TASKS, TaskName
from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import Checker, Finding, check


class Verdict(NamedTuple):
    """The verdict on a wrong gradient."""

    name: str  # name of the mutation
    task: TaskName  # task of the gradient
    wrong: str  # description of the mistake
    float32: bool  # whether a check in float32 fails
    float64: bool  # whether a check in float64 fails
    failed: list[str]  # names of the failed checks
    diagnosis: tuple[str, ...]  # diagnosis in the report

    @property
    def caught(self) -> bool:
        """Whether the mistake is caught in each precision alone."""
        return self.float32 and self.float64


class Outcome(NamedTuple):
    """The verdict on a correct gradient."""

    kind: Kind  # kind of the problem
    excess: dict[str, float]  # largest ratio of error to tolerance, by check
    failed: list[dict[str, Any]]  # failed findings as plain values; any of them is a false alarm
    diagnosis: tuple[str, ...]  # diagnosis in the report


def check_mutation(name: str) -> Verdict:
    """Checks a wrong gradient, given its name, in both precisions with the default settings.

    The findings in one precision do not depend on the other precision.
    """
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == name)
    report = check(TASKS[mutation.task].loss, mutation.gradient, *mutation.arguments())
    failed = [finding for finding in report.findings if finding.passes is False]
    failing = {finding.precision for finding in failed}
    return Verdict(
        *(name, mutation.task, mutation.wrong, "float32" in failing, "float64" in failing),
        failed=[label(finding) for finding in failed],
        diagnosis=report.diagnosis,
    )


def check_problem(number: int, seed: int) -> Outcome:
    """Checks the correct gradient of a problem, which number and seed determine."""
    kind, arguments = problem(number, seed)
    try:
        report = _checker(kind.task)(*arguments)
    except UsageError as error:
        return Outcome(kind, {}, [{"check": "usage", "note": str(error)}], ())
    excess = {label(f): f.comparison.excess for f in report.findings if f.comparison}
    failed = [finding for finding in report.to_dict()["findings"] if finding["passes"] is False]
    return Outcome(kind, excess, failed, report.diagnosis)


@cache  # keeps the compiled programs
def _checker(task: TaskName) -> Checker:
    return Checker(*TASKS[task])


def label(finding: Finding) -> str:
    """Names a check in one precision."""
    return f"{finding.precision} {finding.check}"
