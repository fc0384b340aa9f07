"""Runs the checker on wrong and correct gradients: the work of one process."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from experiments.controls.mutations import MUTATIONS, Mutation
from experiments.controls.problems import Kind, Problem, problem
from experiments.controls.tasks import TASKS, TaskName
from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import Checker, Finding, check


class Verdict(NamedTuple):
    """The verdict on a wrong gradient.

    Attributes:
        name: Name of the mutation.
        task: Task of the gradient.
        wrong: Description of the mistake.
        float32: Whether a check in float32 fails.
        float64: Whether a check in float64 fails.
        failed: Names of the failed checks.
        diagnosis: Diagnosis in the report.
    """

    name: str
    task: TaskName
    wrong: str
    float32: bool
    float64: bool
    failed: list[str]
    diagnosis: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """Whether the mistake is caught in each precision alone."""
        return self.float32 and self.float64


class Outcome(NamedTuple):
    """The verdict on a correct gradient.

    Attributes:
        kind: Kind of the problem.
        excess: Largest ratio of error to tolerance, by check.
        failed: Failed findings as plain values; any of them is a false alarm.
        diagnosis: Diagnosis in the report.
    """

    kind: Kind
    excess: dict[str, float]
    failed: list[dict[str, Any]]
    diagnosis: tuple[str, ...]


def check_mutations(names: Sequence[str]) -> list[Verdict]:
    """Checks wrong gradients in both precisions, with the checker's default settings.

    The findings in one precision do not depend on the other precision.

    Args:
        names: Names of the mutations.

    Returns:
        A verdict on each mutation.
    """
    return [_check_mutation(mutation) for mutation in MUTATIONS if mutation.name in names]


def _check_mutation(mutation: Mutation) -> Verdict:
    loss = TASKS[mutation.task].loss
    report = check(loss, mutation.gradient, *mutation.arguments())
    failed = [finding for finding in report.findings if finding.passes is False]
    caught_in = {finding.precision for finding in failed}
    return Verdict(
        mutation.name,
        mutation.task,
        mutation.wrong,
        float32="float32" in caught_in,
        float64="float64" in caught_in,
        failed=[label(finding) for finding in failed],
        diagnosis=report.diagnosis,
    )


def check_problems(numbers: Sequence[int], seed: int) -> list[Outcome]:
    """Checks the correct gradients.

    Args:
        numbers: Numbers of the problems.
        seed: Seed of the problems.

    Returns:
        An outcome for each problem.
    """
    return [_check_problem(problem(number, seed)) for number in numbers]


def _check_problem(given: Problem) -> Outcome:
    try:
        report = _checker(given.kind.task)(*given.arguments)
    except UsageError as error:
        return Outcome(given.kind, {}, [{"check": "usage", "note": str(error)}], ())
    excess = {label(f): f.comparison.excess for f in report.findings if f.comparison}
    failed = [finding for finding in report.to_dict()["findings"] if finding["passes"] is False]
    return Outcome(given.kind, excess, failed, report.diagnosis)


@cache  # keeps the compiled programs
def _checker(task: TaskName) -> Checker:
    return Checker(*TASKS[task])


def label(finding: Finding) -> str:
    """Names a check in one precision."""
    return f"{finding.precision} {finding.check}"
