"""Summaries of the controls, as numbers and as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from experiments.controls.checking import Outcome, Verdict

PERCENTILES = (50, 99, 99.9, 100)


def mutation_numbers(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Returns the verdicts on the wrong gradients as plain values."""
    return {
        "total": len(verdicts),
        "missed": [verdict.name for verdict in verdicts if not verdict.caught],
        "each": [verdict._asdict() for verdict in verdicts],
    }


def problem_numbers(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Returns the outcomes of the correct gradients as plain values.

    Args:
        outcomes: Outcomes of all problems.

    Returns:
        Counts and largest errors, for all problems and for each family, and all false alarms.
    """
    alarms = [outcome for outcome in outcomes if outcome.failed]
    return {
        **_counts(outcomes),
        "families": {name: _counts(of) for name, of in by_family(outcomes).items()},
        "excess_percentiles": _percentiles(outcomes),
        "alarms": [_alarm(alarm) for alarm in alarms],
    }


def by_family(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Groups outcomes by the name of the family."""
    families: dict[str, list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.kind.family):
        families.setdefault(outcome.kind.family, []).append(outcome)
    return families


def _alarm(outcome: Outcome) -> dict[str, Any]:
    found = {"failed": outcome.failed, "diagnosis": outcome.diagnosis}
    return {**outcome.kind._asdict(), **found}


def _counts(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "total": len(outcomes),
        "false_alarms": sum(bool(outcome.failed) for outcome in outcomes),
        "largest_excess": {name: max(values) for name, values in _excesses(outcomes).items()},
    }


def _percentiles(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    return {
        name: {f"{p:g}": np.percentile(values, p, method="higher") for p in PERCENTILES}
        for name, values in _excesses(outcomes).items()
    }


def _excesses(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Returns the ratios of error to tolerance in all outcomes, for each check."""
    excesses: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, excess in outcome.excess.items():
            excesses.setdefault(name, []).append(excess)
    return excesses


def mutation_table(verdicts: Sequence[Verdict]) -> Table:
    """Makes a table of the wrong gradients."""
    table = Table(title="Wrong gradients: is the mistake caught?", title_justify="left")
    for column in ("task", "mistake", "float32", "float64", "diagnosis"):
        table.add_column(column)
    for verdict in verdicts:
        caught = ("yes" if each else "MISSED" for each in (verdict.float32, verdict.float64))
        mistake = f"{verdict.name}: {verdict.wrong}"
        table.add_row(verdict.task, mistake, *caught, "; ".join(verdict.diagnosis))
    return table


def family_table(outcomes: Sequence[Outcome]) -> Table:
    """Makes a table of the families of problems, with a row for all of them."""
    table = Table(title="Right gradients: false alarms", title_justify="left")
    table.add_column("problems")
    for column in ("number", "false alarms", "largest error / tolerance"):
        table.add_column(column, justify="right")
    table.add_column("in")
    for name, of in {**by_family(outcomes), "all": outcomes}.items():
        largest = _counts(of)["largest_excess"]
        worst = max(largest, key=largest.__getitem__, default="")
        alarms = sum(bool(outcome.failed) for outcome in of)
        table.add_row(name, str(len(of)), str(alarms), f"{largest.get(worst, 0):.2g}", worst)
    return table


def excess_table(outcomes: Sequence[Outcome]) -> Table:
    """Makes a table of the ratios of error to tolerance on correct gradients."""
    title = "Right gradients: error / tolerance, percentiles over the problems"
    table = Table(title=title, title_justify="left")
    table.add_column("check")
    for percentile in PERCENTILES:
        table.add_column(f"{percentile:g} %", justify="right")
    for name, percentiles in _percentiles(outcomes).items():
        table.add_row(name, *(f"{value:.2g}" for value in percentiles.values()))
    return table
