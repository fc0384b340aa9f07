"""Summaries of the controls, as numbers and as tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Column, Table

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
    """Returns counts and largest errors of all problems and each family, and the false alarms."""
    alarms = [
        {**outcome.kind._asdict(), "failed": outcome.failed, "diagnosis": outcome.diagnosis}
        for outcome in outcomes
        if outcome.failed
    ]
    return {
        **_counts(outcomes),
        "families": {name: _counts(of) for name, of in by_family(outcomes).items()},
        "excess_percentiles": _percentiles(outcomes),
        "alarms": alarms,
    }


def by_family(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Groups outcomes by the name of the family."""
    names = sorted({outcome.kind.family for outcome in outcomes})
    return {name: [each for each in outcomes if each.kind.family == name] for name in names}


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
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.excess)
    return {name: [o.excess[name] for o in outcomes if name in o.excess] for name in names}


def mutation_table(verdicts: Sequence[Verdict]) -> Table:
    """Makes a table of the wrong gradients."""
    columns = ("task", "mistake", "float32", "float64", "diagnosis")
    title = "Wrong gradients: is the mistake caught?"
    table = Table(*columns, title=title, title_justify="left")
    for verdict in verdicts:
        caught = ("yes" if each else "MISSED" for each in (verdict.float32, verdict.float64))
        mistake = f"{verdict.name}: {verdict.wrong}"
        table.add_row(verdict.task, mistake, *caught, "; ".join(verdict.diagnosis))
    return table


def family_table(outcomes: Sequence[Outcome]) -> Table:
    """Makes a table of the families of problems, with a row for all of them."""
    names = ("number", "false alarms", "largest error / tolerance")
    numbers = [Column(name, justify="right") for name in names]
    title = "Right gradients: false alarms"
    table = Table("problems", *numbers, "in", title=title, title_justify="left")
    for name, of in {**by_family(outcomes), "all": outcomes}.items():
        counts = _counts(of)
        worst, excess = max(counts["largest_excess"].items(), key=lambda x: x[1], default=("", 0))
        table.add_row(name, str(len(of)), str(counts["false_alarms"]), f"{excess:.2g}", worst)
    return table


def excess_table(outcomes: Sequence[Outcome]) -> Table:
    """Makes a table of the ratios of error to tolerance on correct gradients."""
    numbers = [Column(f"{percentile:g} %", justify="right") for percentile in PERCENTILES]
    title = "Right gradients: error / tolerance, percentiles over the problems"
    table = Table("check", *numbers, title=title, title_justify="left")
    for name, percentiles in _percentiles(outcomes).items():
        table.add_row(name, *(f"{value:.2g}" for value in percentiles.values()))
    return table
