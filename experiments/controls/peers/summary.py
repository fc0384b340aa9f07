"""Summaries of all checkers, as numbers and as a table."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.table import Column, Table

from experiments.controls.peers.checkers import PEERS, missing
from experiments.controls.peers.comparing import Answer, Work, ours

Row = dict[str, Any]


def peer_numbers(answers: Sequence[Answer], entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the answers of all checkers as plain values.

    Args:
        answers: Answers of every checker.
        entries: Foreign gradients as `foreign_numbers` lists them, with mnist_jax's verdicts.
    """
    foreign = []
    for entry in entries:
        work, right = Work("foreign", entry["name"]), entry["right"]
        foreign.append(ours(work, True, entry["passed"], right["seconds"]))
        foreign += [
            ours(work, False, not one["caught"], one["said"]["seconds"]) for one in entry["wrong"]
        ]
    return {
        "controls": _rows([each for each in answers if each.work.group != "foreign"]),
        "foreign": _rows([*foreign, *(each for each in answers if each.work.group == "foreign")]),
        "absent": missing(),
        "reasons": {peer.name: peer.reason for peer in PEERS},
    }


def _rows(answers: Sequence[Answer]) -> list[Row]:
    names = dict.fromkeys(each.checker for each in answers)
    return [_row(name, [each for each in answers if each.checker == name]) for name in names]


def _row(checker: str, answers: Sequence[Answer]) -> Row:
    """Counts correct gradients that pass and wrong ones that fail, at each threshold."""
    [threshold] = {each.threshold for each in answers}
    others = sorted(each for each in answers[0].passes if each is not None and each != threshold)
    seconds = [each.seconds for each in answers if each.right] or [each.seconds for each in answers]
    return {
        "checker": checker,
        "threshold": threshold,
        "right": sum(each.right for each in answers),
        "wrong": sum(not each.right for each in answers),
        **_counts(answers, threshold),
        "seconds": median(seconds),
        "others": [{"threshold": each, **_counts(answers, each)} for each in others],
    }


def _counts(answers: Sequence[Answer], threshold: float | None) -> dict[str, int]:
    return {
        "passed": sum(each.right and each.passes[threshold] for each in answers),
        "caught": sum(not each.right and not each.passes[threshold] for each in answers),
    }


def peer_table(title: str, rows: Sequence[Row]) -> Table:
    """Makes a table of the checkers."""
    names = ("threshold", "right ones passed", "wrong ones caught", "median seconds")
    numbers = [Column(name, justify="right") for name in names]
    others = "passed / caught at other thresholds"
    table = Table("checker", *numbers, others, title=title, title_justify="left")
    for row in rows:
        table.add_row(
            row["checker"],
            "" if row["threshold"] is None else f"{row['threshold']:g}",
            f"{row['passed']} of {row['right']}",
            f"{row['caught']} of {row['wrong']}",
            f"{row['seconds']:.2f}",
            ", ".join(f"{o['threshold']:g}: {o['passed']} / {o['caught']}" for o in row["others"]),
        )
    return table
