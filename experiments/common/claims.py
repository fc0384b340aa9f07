"""How a claim of the report is judged: by conditions that a measurement fulfils or not."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from experiments.reported import Statement

# settings that a claim may need to be the report's own
DATA = ("train_size", "validation_size", "batch_size")
SOFTMAX = (*DATA, "epochs", "learning_rate", "l2")


class Verdict(StrEnum):
    """What a measurement says of a claim."""

    CONFIRMED = "confirmed"
    PARTLY = "partly confirmed"
    REFUTED = "refuted"
    NOT_MEASURED = "not measured"


Relation = Literal["<", "<=", ">", ">="]
_RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Limit:
    """The threshold of a verdict."""

    relation: Relation  # how a value that meets the limit compares with it
    number: float
    reason: str  # why it is this number

    def met(self, value: Any, number: float | None = None) -> Any:
        """Whether a value, or each of an array, meets the limit.

        Args:
            value: The value; NaN meets no limit.
            number: Another threshold, in place of the limit's own.

        Example:
            >>> Limit("<=", 0.2, "a fifth").met(0.1), Limit("<", 0, "below").met(float("nan"))
            (True, False)
        """
        return _RELATIONS[self.relation](value, self.number if number is None else number)


@dataclass(frozen=True)
class Condition:
    """A statement that a measurement makes true or false."""

    statement: str
    holds: bool  # whether it is true
    decisive: bool = False  # whether the claim is refuted if it is false, whatever else holds
    value: float | None = None  # number that was compared with a threshold, if one was
    limit: Limit | None = None


def limited(statement: str, value: float, limit: Limit, *, decisive: bool = False) -> Condition:
    """A condition that holds if a number meets a limit; see `Condition`.

    Example:
        >>> limited("it rains", 3.0, Limit(">", 0, "any rain counts")).holds
        True
    """
    return Condition(statement, bool(limit.met(value)), decisive, float(value), limit)


@dataclass(frozen=True)
class Measured:
    """What was measured of a claim."""

    text: str  # the numbers, in words
    # what they decide; empty if they say nothing of the claim
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A statement of the report and how it is measured."""

    statement: Statement
    measured: Callable[[Any], Measured]  # its task's metrics to what was measured
    needs: tuple[str, ...]  # settings that must be the report's own for the claim to be judged
    evidence: str  # figure or file in the task's folder that shows it
    numbers: tuple[str, ...]  # paths of the metrics behind it, such as ``runs/*/weight_norm``
    alone: Mapping[str, Any]  # settings with which the task measures these numbers and little else
    # those of them that are rounding errors, and so differ from machine to machine
    errors: tuple[str, ...]
    about: str = ""  # explanation of what is judged, and how


def claim(
    statement: Statement,
    *,
    needs: tuple[str, ...],
    evidence: str,
    numbers: tuple[str, ...],
    alone: Mapping[str, Any] = MappingProxyType({}),
    errors: tuple[str, ...] = (),
    about: str = "",
) -> Callable[[Callable[[Any], Measured]], Claim]:
    """Decorate the function that measures a statement; see `Claim`."""
    return lambda measured: Claim(
        statement, measured, needs, evidence, numbers, alone, errors, about
    )


@dataclass(frozen=True)
class JudgedClaim:
    """A claim with its verdict, as claims.json holds it."""

    id: str
    task: str
    says: str
    measured: str
    verdict: Verdict
    checks: tuple[Condition, ...]
    evidence: str


def verdict(conditions: tuple[Condition, ...]) -> Verdict:
    """Derive the verdict.

    A claim is confirmed if all conditions hold. It is refuted if none does, or if a decisive one
    does not.

    Example:
        >>> verdict((Condition("it rains", True), Condition("it pours", False))).value
        'partly confirmed'
    """
    if not conditions:
        return Verdict.NOT_MEASURED
    if any(condition.decisive and not condition.holds for condition in conditions):
        return Verdict.REFUTED
    holding = sum(condition.holds for condition in conditions)
    if holding == len(conditions):
        return Verdict.CONFIRMED
    return Verdict.PARTLY if holding else Verdict.REFUTED


def judge(claim: Claim, metrics: Mapping[str, Any], changed: set[str]) -> JudgedClaim:
    """Judges a claim, or says which of the changed settings keep it from being measured."""
    if missing := sorted(changed & {*claim.needs}):
        return judged(claim, Measured(f"not with the report's {', '.join(missing)}"))
    return judged(claim, claim.measured(metrics))


def judged(claim: Claim, found: Measured) -> JudgedClaim:
    """A claim with the verdict that follows from what was measured."""
    about = claim.statement
    return JudgedClaim(
        *(about.id, about.task, about.says),
        *(found.text, verdict(found.conditions), found.conditions, claim.evidence),
    )
