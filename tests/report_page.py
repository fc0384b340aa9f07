"""A page as its readers take it apart, and one made of measured numbers without a run."""

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from experiments import report as page
from experiments.__main__ import TASKS, AllSettings, settings_of
from experiments.common.task import Table, TaskResult, config
from experiments.narratives import NARRATIVES
from experiments.report import markdown as report
from experiments.task1_gradients import ledger
from experiments.task1_gradients import metrics as task1
from experiments.task2_logistic import metrics as task2
from experiments.task3_softmax import metrics as task3
from experiments.task4_regularization import metrics as task4
from mnist_jax import derivation, plotting
from mnist_jax.data import Examples, Mnist
from mnist_jax.results import write_csv, write_json

METRICS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "measured" / "metrics.json").read_text(encoding="utf-8")
)
NOTHING = Examples(np.zeros((0, 784), np.uint8), np.zeros(0, np.int32))
NO_DATA = Mnist(NOTHING, NOTHING)
SUMMARIES = dict(zip(METRICS, (task1, task2, task3, task4), strict=True))


class Element(NamedTuple):
    tag: str
    attributes: Mapping[str, str | None]


class Elements(HTMLParser):
    """The elements of a page, in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Element(tag, dict(attrs)))

    def values(self, attribute: str, *tags: str) -> list[str]:
        return [
            value
            for element in self.found
            if (not tags or element.tag in tags)
            and (value := element.attributes.get(attribute)) is not None
        ]


def make_page(folder: Path, metrics: dict[str, Any], **flags: Any) -> str:
    """The page of a run with these metrics, all of whose figures are blank."""
    everything = AllSettings(output_dir=folder, **flags)
    results = []
    for chosen in TASKS:
        place = folder / chosen.name
        place.mkdir()
        results.append((chosen, blank_result(chosen.name, metrics[chosen.name])))
        leave_files(place, results[-1][1])
    settings = {chosen.name: settings_of(chosen, everything) for chosen in TASKS}
    facts = {"settings": everything, "config": config(everything, NO_DATA), "seconds": 1.0}
    judgements = report.judge_all(metrics, settings)
    for written in (report, page):
        written.write(folder, judgements, results, **facts)
    return (folder / "index.html").read_text(encoding="utf-8")


def blank_result(task: str, metrics: dict[str, Any]) -> TaskResult:
    rows = ledger.ledger_rows(derivation.ledger()) if task == "task1_gradients" else None
    return TaskResult(
        metrics=metrics,
        tables={"history": Table(("run",), [])},
        figures={name: Figure() for name in NARRATIVES[task].captions},
        summary=SUMMARIES[task].summary(metrics),
        diverged=[f"a <run> of {task} diverged at step 3"],
        documents={"ledger": rows} if rows else {},
    )


def leave_files(place: Path, result: TaskResult) -> None:
    for name, figure in result.figures.items():
        plotting.save(figure, place, name)
    for name, table in result.tables.items():
        write_csv(place / f"{name}.csv", table.header, table.rows)
    for name in ("metrics", "config", *result.documents):
        write_json(place / f"{name}.json", {})
