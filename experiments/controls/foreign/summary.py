"""Summaries of the foreign gradients, as numbers and as a table."""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.table import Table

from experiments.controls.foreign.judging import Judged, Response, WrongOne


def foreign_numbers(judged: Sequence[Judged]) -> dict[str, Any]:
    """Returns the judgements on the foreign gradients as plain values.

    Args:
        judged: Judgements on all entries.

    Returns:
        Counts, durations of the checks of correct gradients, and each entry.
    """
    checked = [each for each in judged if each.right]
    wrong = [one for each in checked for one in each.wrong]
    seconds = [each.right.seconds for each in checked if each.right]
    return {
        "total": len(checked),
        "passed": sum(passed(each) for each in checked),
        "called": sum(each.origin == "called" for each in checked),
        **wrong_counts(wrong),
        "formulas": _formulas([each.right for each in checked if each.right]),
        "proved_different": sum(one.said.formula[0] == "different" for one in wrong),
        "seconds": {"median": median(seconds), "largest": max(seconds)} if seconds else None,
        "absent": {each.name: each.absent for each in judged if each.absent},
        "each": [_plain(each) for each in checked],
    }


def _formulas(right: Sequence[Response]) -> dict[str, Any]:
    """Counts the verdicts on formulas of correct gradients, and the reasons for `not told`."""
    verdicts = Counter(said.formula[0] for said in right)
    reasons = Counter(said.formula[1] for said in right if said.formula[0] == "not told")
    return {"equal": verdicts["equal"], "different": verdicts["different"], "not_told": reasons}


def wrong_counts(wrong: Sequence[WrongOne]) -> dict[str, int]:
    """Counts the mistakes that are caught, named, and misnamed."""
    return {
        "wrong": len(wrong),
        "nameable": sum(one.nameable for one in wrong),
        "caught": sum(one.caught for one in wrong),
        "named": sum(one.named for one in wrong),
        "misnamed": sum(one.misnamed for one in wrong),
    }


def passed(judged: Judged) -> bool:
    """Returns whether the correct gradient of an entry passes."""
    return bool(judged.right and judged.right.passes)


def _plain(judged: Judged) -> dict[str, Any]:
    wrong = [{**one._asdict(), "said": one.said._asdict()} for one in judged.wrong]
    right = judged.right._asdict() if judged.right else None
    return {
        **judged._asdict(),
        "right": right,
        "wrong": wrong,
        "passed": passed(judged),
        **{name: count for name, count in wrong_counts(judged.wrong).items() if name != "wrong"},
    }


def foreign_table(judged: Sequence[Judged]) -> Table:
    """Makes a table of the entries."""
    table = Table(title="Gradients that others wrote", title_justify="left")
    for column in ("gradient", "source", "as its user holds it", "right one"):
        table.add_column(column)
    for column in ("caught", "named", "seconds"):
        table.add_column(column, justify="right")
    for each in judged:
        if each.right is None:
            table.add_row(each.name, each.source, each.holds, f"skipped: no {each.absent}")
            continue
        counts = wrong_counts(each.wrong)
        verdict = {True: "passes", False: "FAILS", None: "NO VERDICT"}[each.right.passes]
        shares = (f"{counts[name]} of {counts['wrong']}" for name in ("caught", "named"))
        seconds = f"{each.right.seconds:.2f}"
        table.add_row(each.name, each.source, each.holds, verdict, *shares, seconds)
    return table
