"""How a claim is judged: by checks that a measurement passes or fails."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

Verdict = Literal["confirmed", "partly confirmed", "refuted", "not measured"]
# settings that a claim may need to be the report's own
DATA = ("train_size", "validation_size", "batch_size")
SOFTMAX = (*DATA, "epochs", "learning_rate", "l2")

Metrics = dict[str, dict[str, Any]]
"""Task name to the contents of its metrics.json."""


class Check(NamedTuple):
    """A statement that a measurement makes true or false."""

    statement: str
    holds: bool


class Finding(NamedTuple):
    """What was measured, in words, and what it says of the claim: nothing if there is no check."""

    measured: str
    checks: list[Check]


class Claim(NamedTuple):
    """A claim of the report.

    Attributes:
        id: A short name.
        task: The experiment that measures it.
        says: What the report says.
        find: Metrics of all tasks to the finding.
        needs: The settings that must be the report's own for it to be judged.
        evidence: The figure or file in the task's folder that shows it.
    """

    id: str
    task: str
    says: str
    find: Callable[[Metrics], Finding]
    needs: tuple[str, ...]
    evidence: str


class Judgement(NamedTuple):
    """A claim with its verdict, as claims.json holds it."""

    id: str
    task: str
    says: str
    measured: str
    verdict: Verdict
    checks: list[dict[str, Any]]
    evidence: str


def verdict(checks: list[Check]) -> Verdict:
    """The verdict that follows from the checks.

    Args:
        checks: What the measurement decided.

    Returns:
        Confirmed if all hold, refuted if none does, not measured if there are none.

    Example:
        >>> verdict([Check("it rains", True), Check("it pours", False)])
        'partly confirmed'
    """
    if not checks:
        return "not measured"
    holding = sum(check.holds for check in checks)
    if holding == len(checks):
        return "confirmed"
    return "partly confirmed" if holding else "refuted"


def not_measured(claim: Claim, reason: str) -> Judgement:
    """The judgement of a claim that was not measured, with the reason in place of a finding."""
    return Judgement(*claim[:3], reason, "not measured", [], claim.evidence)


def judge(claim: Claim, metrics: Metrics, changed: dict[str, set[str]]) -> Judgement:
    """Judges a claim, or says why it was not measured.

    Args:
        claim: The claim.
        metrics: Metrics of every task that was run.
        changed: Task name to the settings that were not the report's own.

    Returns:
        The judgement.
    """
    missing = sorted(changed[claim.task] & set(claim.needs))
    if missing:
        return not_measured(claim, f"not with the report's {', '.join(missing)}")
    measured, checks = claim.find(metrics)
    listed = [{"statement": check.statement, "holds": bool(check.holds)} for check in checks]
    return Judgement(*claim[:3], measured, verdict(checks), listed, claim.evidence)
