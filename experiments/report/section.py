"""An experiment on the page: its figures, claims and numbers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.common.captions import Caption
from experiments.common.claims import JudgedClaim
from experiments.common.task import TaskResult
from experiments.report.judging import Finished

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXELS_PER_INCH = 96


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on the page.

    Attributes:
        id: Its anchor.
        caption: Its caption.
        text: Numbers of the figure and, in the report's own setting, what they mean.
        uri: The drawing, as a data URI.
        size: Width and height in pixels of CSS.
        links: Its files, name to address.
        claims: Claims that are judged by what it shows.
    """

    id: str
    caption: Caption
    text: str
    uri: str
    size: tuple[int, int]
    links: dict[str, str]
    claims: list[JudgedClaim]


class Section:
    """An experiment on the page: its claims, its figures in the order of the captions, its files.

    Args:
        folder: Folder of the results, with the experiment's own folder in it.
        experiment: The experiment and what it gave.
        claims: All claims with their verdicts.
    """

    def __init__(self, folder: Path, experiment: Finished, claims: Sequence[JudgedClaim]) -> None:
        task = experiment.task
        own_setting = experiment.settings.are_the_reports()
        self.experiment = experiment
        self.meaning = task.meaning if own_setting else ""
        self.claims = [claim for claim in claims if claim.task == task.name]
        drawn = [name for name in task.captions if name in experiment.figures]
        self.pictures = [picture(folder, experiment, name, self.claims) for name in drawn]
        shown = {claim.id for each in self.pictures for claim in each.claims}
        self.unshown = [claim for claim in self.claims if claim.id not in shown]
        self.links = {name: f"{task.name}/{name}" for name in data_files(experiment.result)}


def picture(
    folder: Path, experiment: Finished, name: str, claims: Sequence[JudgedClaim]
) -> Picture:
    """Lay out a figure, read from the experiment's folder."""
    task, caption = experiment.task.name, experiment.task.captions[name]
    drawing = (folder / task / f"{name}.svg").read_bytes()
    own_setting = experiment.settings.are_the_reports()
    return Picture(
        id=f"{task}-{name}",
        caption=caption,
        text=caption.text(experiment.result.metrics, own_setting=own_setting),
        uri=f"data:image/svg+xml;base64,{b64encode(drawing).decode('ascii')}",
        size=size(experiment.figures[name]),
        links={ending.upper(): f"{task}/{name}.{ending}" for ending in ("svg", "png")},
        claims=[claim for claim in claims if Path(claim.evidence).stem == name],
    )


def size(figure: Figure) -> tuple[int, int]:
    """Width and height in pixels of CSS."""
    width, height = (round(PIXELS_PER_INCH * inches) for inches in figure.get_size_inches())
    return width, height


def data_files(result: TaskResult) -> list[str]:
    """The files in the experiment's folder that hold its numbers."""
    tables = [f"{name}.csv" for name in result.tables]
    documents = [f"{name}.json" for name in result.documents]
    return ["metrics.json", *tables, *documents, "config.json"]


def anchor(claim: JudgedClaim, sections: Sequence[Section]) -> str:
    """The anchor of a claim's evidence: a figure or, without one, the numbers."""
    shown = {own.id: each.id for part in sections for each in part.pictures for own in each.claims}
    return shown.get(claim.id, f"{claim.task}-numbers")
