"""The claims of the report, judged from what the experiments measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.common.claims import JudgedClaim, Measured, judge, judged
from experiments.common.provenance import record
from experiments.common.settings import Settings
from experiments.common.task import Task, TaskResult
from experiments.report.drawing import Drawing
from mnist_jax.data.known import title


@dataclass(frozen=True)
class Finished:
    """An experiment that was run and written to its folder."""

    task: Task[Any]
    settings: Settings  # what it was run with
    result: TaskResult  # what it gave
    drawings: Mapping[str, Drawing]  # its figures as the page holds them, by file name


def judge_all(experiments: Sequence[Finished]) -> list[JudgedClaim]:
    """Judges every claim of the report; on another data set than MNIST, none is measured."""
    others = {title(each.settings.data_set) for each in experiments} - {title("mnist")}
    if others:
        found = Measured(f"not on MNIST but on {', '.join(sorted(others))}")
        return [judged(claim, found) for each in experiments for claim in each.task.claims]
    return [
        judge(claim, each.result.metrics, each.settings.changed())
        for each in experiments
        for claim in each.task.claims
    ]


def claims_file(
    experiments: Sequence[Finished], claims: Sequence[JudgedClaim], config: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Returns the contents of claims.json: every claim with what it takes to verify it."""
    made = {own.statement.id: (own, each) for each in experiments for own in each.task.claims}
    return [
        record(own, claim, each.settings, each.result.metrics, config)
        for claim in claims
        for own, each in [made[claim.id]]
    ]
