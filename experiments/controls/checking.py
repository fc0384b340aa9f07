"""What the checker says of wrong gradients and of right ones: the work of one process."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from experiments.controls.mutations import MUTATIONS, Mutation
from experiments.controls.problems import Kind, Problem, problem
from experiments.controls.tasks import TASKS, TaskName
from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import Checker, Finding, check


class Verdict(NamedTuple):
    """What was said of a wrong gradient.

    Attributes:
        name: Of the mutation.
        task: Whose gradient it is.
        wrong: What is wrong with it.
        float32: Whether a check in float32 fails.
        float64: Whether one in float64 does.
        failed: The checks that fail.
        diagnosis: The guesses at what is wrong.
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
        """Whether either precision alone would do."""
        return self.float32 and self.float64


class Outcome(NamedTuple):
    """What was said of a right gradient.

    Attributes:
        kind: Of the problem.
        excess: The largest error over its tolerance, of each check that has one.
        failed: The findings that fail, as plain values; with any, it is a false alarm.
        diagnosis: What was said of them.
    """

    kind: Kind
    excess: dict[str, float]
    failed: list[dict[str, Any]]
    diagnosis: tuple[str, ...]


def check_mutations(names: Sequence[str]) -> list[Verdict]:
    """Checks wrong gradients in both precisions, with the checker's default settings.

    What is found in one precision is what would be found in it alone.

    Args:
        names: Of the mutations.

    Returns:
        A verdict on each.
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
    """Checks the right gradients.

    Args:
        numbers: Of the problems.
        seed: Of the problems.

    Returns:
        An outcome for each.
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


@cache  # it keeps what it has compiled
def _checker(task: TaskName) -> Checker:
    return Checker(*TASKS[task])


def label(finding: Finding) -> str:
    """What to call a check in one precision."""
    return f"{finding.precision} {finding.check}"
