"""A task on the page: its sentences, figures, claims and numbers."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from experiments.common.captions import Caption
from experiments.common.claims import Judgement
from experiments.common.task import Task, TaskResult
from experiments.narratives import NARRATIVES

PIXELS_PER_INCH = 96


class Picture(NamedTuple):
    """A figure on the page, with the claims that it shows.

    Attributes:
        id: Its anchor.
        caption: What is said of it.
        uri: The figure itself, as a data URI.
        size: Width and height in pixels of CSS.
        links: Its files, name to address.
        claims: The claims that are judged by what it shows.
    """

    id: str
    caption: Caption
    uri: str
    size: tuple[int, int]
    links: dict[str, str]
    claims: list[Judgement]


class Section(NamedTuple):
    """A task on the page.

    Attributes:
        task: The experiment.
        overview: The sentences that open it.
        diverged: A line for each run that diverged.
        pictures: Its figures, in the narrative's order.
        claims: All its claims.
        unshown: Those that none of the figures shows.
        numbers: The closing table, (what, value).
        links: Its files, name to address.
    """

    task: Task[Any]
    overview: str
    diverged: list[str]
    pictures: list[Picture]
    claims: list[Judgement]
    unshown: list[Judgement]
    numbers: list[tuple[str, str]]
    links: dict[str, str]


def section(
    folder: Path, task: Task[Any], result: TaskResult, judgements: Sequence[Judgement]
) -> Section:
    """A task's section.

    Args:
        folder: Folder of the results, with the task's own folder in it.
        task: The experiment.
        result: What it gave.
        judgements: Judgements of all claims.

    Returns:
        The section.
    """
    own = [judgement for judgement in judgements if judgement.task == task.name]
    pictures = [
        picture(folder, task.name, name, result, own)
        for name in NARRATIVES[task.name].captions
        if name in result.figures
    ]
    shown = {judgement.id for each in pictures for judgement in each.claims}
    return Section(
        task=task,
        overview=NARRATIVES[task.name].overview(result.metrics),
        diverged=result.diverged,
        pictures=pictures,
        claims=own,
        unshown=[judgement for judgement in own if judgement.id not in shown],
        numbers=result.summary,
        links={name: f"{task.name}/{name}" for name in data_files(result)},
    )


def picture(
    folder: Path, task: str, name: str, result: TaskResult, judgements: Sequence[Judgement]
) -> Picture:
    """A figure, read from the task's folder, where it was drawn already."""
    drawing = (folder / task / f"{name}.svg").read_bytes()
    return Picture(
        id=f"{task}-{name}",
        caption=NARRATIVES[task].captions[name](result.metrics),
        uri=f"data:image/svg+xml;base64,{b64encode(drawing).decode('ascii')}",
        size=size(result.figures[name]),
        links={ending.upper(): f"{task}/{name}.{ending}" for ending in ("svg", "png")},
        claims=[judgement for judgement in judgements if Path(judgement.evidence).stem == name],
    )


def size(figure: Figure) -> tuple[int, int]:
    """Width and height in pixels of CSS."""
    width, height = (round(PIXELS_PER_INCH * inches) for inches in figure.get_size_inches())
    return width, height


def data_files(result: TaskResult) -> list[str]:
    """The files in the task's folder that hold its numbers."""
    return [
        "metrics.json",
        *(f"{name}.csv" for name in result.tables),
        *(f"{name}.json" for name in result.documents),
        "config.json",
    ]


def anchor(judgement: Judgement, sections: Sequence[Section]) -> str:
    """Where the evidence of a claim is: a figure, or the numbers where it is none or not drawn."""
    shown = {
        claim.id: each.id for part in sections for each in part.pictures for claim in each.claims
    }
    return shown.get(judgement.id, f"{judgement.task}-numbers")
