"""Summaries of the foreign gradients, as numbers and as a table."""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.table import Column, Table

from experiments.controls.foreign.judging import Judged, WrongOne


def foreign_numbers(judged: Sequence[Judged]) -> dict[str, Any]:
    """Returns counts, durations of correct gradients, and each entry, as plain values."""
    checked = [each for each in judged if each.right]
    right = [each.right for each in checked if each.right]
    wrong = [one for each in checked for one in each.wrong]
    verdicts = Counter(said.formula[0] for said in right)
    reasons = Counter(said.formula[1] for said in right if said.formula[0] == "not told")
    formulas = {name: verdicts[name] for name in ("equal", "different")}
    seconds = [said.seconds for said in right]
    return {
        "total": len(checked),
        "passed": sum(each.passed for each in checked),
        "called": sum(each.origin == "called" for each in checked),
        "wrong": len(wrong),
        **wrong_counts(wrong),
        "formulas": {**formulas, "not_told": reasons},
        "proved_different": sum(one.said.formula[0] == "different" for one in wrong),
        "seconds": {"median": median(seconds), "largest": max(seconds)} if seconds else None,
        "absent": {each.name: each.absent for each in judged if each.absent},
        "each": [_plain(each) for each in checked],
    }


def wrong_counts(wrong: Sequence[WrongOne]) -> dict[str, int]:
    """Counts the mistakes that have a common name, are caught, are named, and are misnamed."""
    names = ("nameable", "caught", "named", "misnamed")
    return {name: sum(getattr(one, name) for one in wrong) for name in names}


def _plain(judged: Judged) -> dict[str, Any]:
    return {
        **judged._asdict(),
        "right": judged.right._asdict() if judged.right else None,
        "wrong": [{**one._asdict(), "said": one.said._asdict()} for one in judged.wrong],
        "passed": judged.passed,
        **wrong_counts(judged.wrong),
    }


def foreign_table(judged: Sequence[Judged]) -> Table:
    """Makes a table of the entries."""
    counts = [Column(name, justify="right") for name in ("caught", "named", "seconds")]
    columns = ("gradient", "source", "as its user holds it", "right one", *counts)
    table = Table(*columns, title="Gradients that others wrote", title_justify="left")
    for each in judged:
        if each.right is None:
            table.add_row(each.name, each.source, each.holds, f"skipped: no {each.absent}")
            continue
        found = wrong_counts(each.wrong)
        verdict = {True: "passes", False: "FAILS", None: "NO VERDICT"}[each.right.passes]
        shares = (f"{found[name]} of {len(each.wrong)}" for name in ("caught", "named"))
        seconds = f"{each.right.seconds:.2f}"
        table.add_row(each.name, each.source, each.holds, verdict, *shares, seconds)
    return table
