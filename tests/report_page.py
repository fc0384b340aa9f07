"""A page as its readers take it apart, and one made of measured numbers without a run."""

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.__main__ import TASKS, AllSettings, settings_of
from experiments.common.task import Table, Task, TaskResult, config, write
from experiments.report import document
from experiments.report.judging import Finished, judge_all
from experiments.task1_gradients import metrics as task1
from experiments.task2_logistic import metrics as task2
from experiments.task3_softmax import metrics as task3
from experiments.task4_regularization import metrics as task4
from mnist_jax import plotting
from mnist_jax.data import Examples, Mnist

METRICS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "measured" / "metrics.json").read_text(encoding="utf-8")
)
# evaluating it takes seconds, in each worker; tests/docs/test_docs.py compares it with that of now
LEDGER = json.loads(
    (Path(__file__).parents[1] / "docs" / "measured" / "ledger.json").read_text(encoding="utf-8")
)
NOTHING = Examples(np.zeros((0, 784), np.uint8), np.zeros(0, np.int32))
NO_DATA = Mnist(NOTHING, NOTHING)
SUMMARIES: dict[str, Any] = dict(zip(METRICS, (task1, task2, task3, task4), strict=True))


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
    """The page of a run with these metrics, all of whose figures show the same two lines."""
    everything = AllSettings(output_dir=folder, **flags)
    finished = []
    for chosen in TASKS:
        settings = settings_of(chosen, everything)
        settings.output_dir.mkdir()
        result = blank_result(chosen, metrics[chosen.name])
        with pytest.MonkeyPatch.context() as patch:  # the page draws each figure itself
            patch.setattr(plotting, "save", lambda figure, folder, name: None)
            figures = write(chosen, result, settings, NO_DATA, settings.output_dir)
        finished.append(Finished(chosen, settings, result, figures))
    report = document.Report(
        folder=folder,
        settings=everything,
        config=config(everything, NO_DATA),
        seconds=1.0,
        experiments=finished,
        claims=judge_all(finished),
    )
    document.write(report)
    return (folder / "index.html").read_text(encoding="utf-8")


def a_figure() -> Figure:
    figure, [[axes]] = plotting.new_figure(size=(3, 2))
    figure.set_layout_engine("none")  # which takes most of the time
    axes.plot([0, 1, 2], [0.5, 0.7, 0.6], label="first")
    axes.plot([0, 1, 2], [0.4, 0.3, np.nan], "--", label='a "second", <b>')
    axes.set(xlabel="step", title="title")
    plotting.percent_axis(axes)
    return figure


def blank_result(task: Task, metrics: dict[str, Any]) -> TaskResult:
    rows = LEDGER if task is TASKS[0] else None
    return TaskResult(
        metrics=metrics,
        tables={"history": Table(("run",), [])},
        draw=lambda: {name: a_figure() for name in task.captions},
        summary=SUMMARIES[task.name].summary(metrics),
        diverged=[f"a <run> of {task.name} diverged at step 3"],
        documents={"ledger": rows} if rows else {},
    )
