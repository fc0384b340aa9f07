"""The numbers of the derivations: each of the report's equations, judged by evaluating it."""

from collections.abc import Sequence
from typing import Any

from mnist_jax.derivation import BOUND, Judgement

LEDGER_HEADER = ("number", "what the step does", "verdict", "sides differ by")
VERDICTS = ("holds", "slip", "fails", "empty")
ROUNDING = 1e-6
"""Deviations below this are rounding's, whose digits differ between machines."""


def ledger_rows(judgements: Sequence[Judgement]) -> list[dict[str, Any]]:
    """The judgements as plain values, what ledger.json holds.

    Args:
        judgements: Judgements of all equations, as `mnist_jax.derivation.ledger` gives them.

    Returns:
        One row per equation; None where it has no printed or no corrected line.
    """
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


def ledger_metrics(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """The equations' numbers by verdict, and how far apart the sides of those that hold are.

    Args:
        judgements: Judgements of all equations.

    Returns:
        Lists of numbers under each verdict; `bound` and the largest deviation below it.
    """
    deviations = [judged.deviation for judged in judgements if judged.verdict == "holds"]
    return {
        verdict: [judged.equation.number for judged in judgements if judged.verdict == verdict]
        for verdict in VERDICTS
    } | {"bound": BOUND, "largest_deviation_that_holds": max(filter(None, deviations), default=0.0)}


def ledger_table(judgements: Sequence[Judgement]) -> list[tuple[str, str, str, str]]:
    """The judgements as rows to be shown, under `LEDGER_HEADER`."""
    return [
        (judged.equation.number, judged.equation.says, judged.verdict, readable(judged.deviation))
        for judged in judgements
    ]


def readable(deviation: float | None) -> str:
    """A deviation with the digits that mean something: one of a rounding error, else three.

    Args:
        deviation: As a judgement has it.

    Returns:
        The number; nothing for None.

    Example:
        >>> [readable(deviation) for deviation in (0.7499, 2.22e-16, 0.0, None)]
        ['0.75', '2e-16', '0', '']
    """
    if deviation is None:
        return ""
    if deviation == 0:
        return "0"
    return f"{deviation:.0e}" if deviation < ROUNDING else f"{deviation:.3g}"
