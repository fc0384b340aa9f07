"""Summaries of all checkers, as numbers and as a table."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.table import Table

from experiments.controls.foreign.judging import Judged
from experiments.controls.foreign.summary import passed
from experiments.controls.peers import PEERS
from experiments.controls.peers.comparing import OURS, Answer, Work, missing

Row = dict[str, Any]


def peer_numbers(answers: Sequence[Answer], judged: Sequence[Judged]) -> dict[str, Any]:
    """Returns the answers of all checkers as plain values.

    Args:
        answers: Answers of every checker.
        judged: Judgements of mnist_jax on the foreign gradients.

    Returns:
        A row for each checker, mnist_jax first, on the controls and on the foreign gradients; the
        missing checkers; and the reason for each threshold.
    """
    answers = [*_ours(judged), *answers]
    controls = [each for each in answers if each.work.group != "foreign"]
    foreign = [each for each in answers if each.work.group == "foreign"]
    return {
        "controls": _rows(controls),
        "foreign": _rows(foreign),
        "absent": missing(),
        "reasons": {peer.name: peer.reason for peer in PEERS},
    }


def _ours(judged: Sequence[Judged]) -> list[Answer]:
    """Converts the judgements of mnist_jax on the foreign gradients to answers."""
    answers = []
    for each in judged:
        if each.right is None:
            continue
        work = Work("foreign", each.name)
        said = [(True, passed(each), each.right.seconds)]
        said += [(False, not one.caught, one.said.seconds) for one in each.wrong]
        answers += [
            Answer(work, OURS, right, {None: passes}, None, seconds)
            for right, passes, seconds in said
        ]
    return answers


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
    table = Table(title=title, title_justify="left")
    table.add_column("checker")
    for column in ("threshold", "right ones passed", "wrong ones caught", "median seconds"):
        table.add_column(column, justify="right")
    table.add_column("passed / caught at other thresholds")
    for row in rows:
        others = (f"{o['threshold']:g}: {o['passed']} / {o['caught']}" for o in row["others"])
        table.add_row(
            row["checker"],
            "" if row["threshold"] is None else f"{row['threshold']:g}",
            f"{row['passed']} of {row['right']}",
            f"{row['caught']} of {row['wrong']}",
            f"{row['seconds']:.2f}",
            ", ".join(others),
        )
    return table
