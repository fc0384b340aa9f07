"""The numbers of the derivations: each of the report's equations, judged by evaluating it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict, cast

from experiments.common.words import listed

if TYPE_CHECKING:
    from mnist_jax.derivation import Judgement

LEDGER_HEADER = ("number", "what the step does", "verdict", "sides differ by")
VERDICTS = ("holds", "slip", "fails", "empty")
ROUNDING = 1e-6
"""Deviations below this are rounding's, whose digits differ between machines."""


class LedgerRow(TypedDict):
    """A row of ledger.json; None where an equation has no printed or no corrected line."""

    number: str
    task: str
    says: str
    latex: str | None
    verdict: str
    deviation: float | None
    bound: float
    corrected_latex: str | None
    corrected_deviation: float | None


class LedgerMetrics(TypedDict):
    """Numbers of the equations under each verdict, and how far apart sides that agree are."""

    holds: list[str]
    slip: list[str]
    fails: list[str]
    empty: list[str]
    bound: float
    largest_deviation_that_holds: float


def ledger_rows(judgements: Sequence[Judgement]) -> list[LedgerRow]:
    """Returns the contents of ledger.json, a row for each equation."""
    from mnist_jax.derivation import BOUND

    return [
        {
            "number": equation.number,
            "task": equation.task,
            "says": equation.says,
            "latex": equation.printed and equation.printed.latex,
            "verdict": verdict,
            "deviation": deviation,
            "bound": BOUND,
            "corrected_latex": equation.corrected and equation.corrected.latex,
            "corrected_deviation": corrected_deviation,
        }
        for equation, verdict, deviation, corrected_deviation in judgements
    ]


def ledger_metrics(judgements: Sequence[Judgement]) -> LedgerMetrics:
    """The equations' numbers by verdict, and how far apart the sides of those that hold are."""
    from mnist_jax.derivation import BOUND

    deviations = [judged.deviation for judged in judgements if judged.verdict == "holds"]
    numbers = {
        verdict: [judged.equation.number for judged in judgements if judged.verdict == verdict]
        for verdict in VERDICTS
    }
    largest = max(filter(None, deviations), default=0.0)
    bounds = {"bound": BOUND, "largest_deviation_that_holds": largest}
    return cast(LedgerMetrics, {**numbers, **bounds})


def counted_lines(rows: Sequence[LedgerRow]) -> str:
    """How many lines there are with each verdict, and the numbers that stand at no line."""
    empty = [f"({row['number']})" for row in rows if row["verdict"] == "empty"]
    counts = Counter(row["verdict"] for row in rows if row["verdict"] != "empty")
    words = {"holds": "hold", "slip": "are slips", "fails": "fail"}
    each = listed(f"{counts[verdict]} {words[verdict]}" for verdict in words if counts[verdict])
    without = f" The numbers {listed(empty)} stand at empty lines." if empty else ""
    return f"Of {counts.total()} lines, {each}.{without}"


def ledger_table(judgements: Sequence[Judgement]) -> list[tuple[str, str, str, str]]:
    """The judgements as rows to be shown, under `LEDGER_HEADER`."""
    return [
        (judged.equation.number, judged.equation.says, judged.verdict, readable(judged.deviation))
        for judged in judgements
    ]


def readable(deviation: float | None) -> str:
    """A deviation with the digits that mean something: one of a rounding error, else three.

    Example:
        >>> [readable(deviation) for deviation in (0.7499, 2.22e-16, 0.0, None)]
        ['0.75', '2e-16', '0', '']
    """
    if deviation is None:
        return ""
    if deviation == 0:
        return "0"
    return f"{deviation:.0e}" if deviation < ROUNDING else f"{deviation:.3g}"
