"""An experiment on the page: its figures, claims and numbers, and the files that hold them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.common.captions import Caption
from experiments.common.claims import JudgedClaim
from experiments.common.provenance import flat, select
from experiments.common.settings import NOT_NUMERICAL
from experiments.report.drawing import Drawing
from experiments.report.judging import Finished


@dataclass(frozen=True, kw_only=True)
class Card:
    """A claim beside its evidence, with what leads from it to the files."""

    judged: JudgedClaim  # the claim and its verdict
    about: str  # explanation of what is judged
    numbers: dict[str, Any]  # numbers behind it, path in metrics.json to value
    settings: dict[str, Any]  # settings that it holds for, name to value


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on the page."""

    name: str  # file name without ending
    id: str  # anchor
    caption: Caption
    numbers: dict[str, str]  # what is measured in it to its value, in words
    meaning: str  # what that means, in the report's own setting
    drawing: Drawing  # the figure as the page holds it
    cards: list[Card]  # claims that are judged by what it shows


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
        self.metrics = flat(experiment.result.metrics)
        self.settings = settings(experiment)
        self.cards = [*cards(experiment, claims)]
        drawn = [name for name in task.captions if name in experiment.drawings]
        self.pictures = [picture(experiment, name, self.cards) for name in drawn]
        shown = {card.judged.id for each in self.pictures for card in each.cards}
        self.unshown = [card for card in self.cards if card.judged.id not in shown]
        self.files = {name: embedded(folder / task.name / name) for name in data_files(experiment)}


def cards(experiment: Finished, claims: Sequence[JudgedClaim]) -> Iterator[Card]:
    """Lay out the claims of an experiment."""
    judged, metrics = {claim.id: claim for claim in claims}, experiment.result.metrics
    for claim in experiment.task.claims:
        found = judged[claim.statement.id]
        yield Card(
            judged=found,
            about=claim.about,
            numbers=flat(select(metrics, claim.numbers)) if found.checks else {},
            settings={n: v for n, v in settings(experiment).items() if n in claim.needs},
        )


def settings(experiment: Finished) -> dict[str, Any]:
    """The settings of an experiment that may change its numbers, by name."""
    every = vars(experiment.settings).items()
    return {name: value for name, value in every if name not in NOT_NUMERICAL}


def picture(experiment: Finished, name: str, cards: Sequence[Card]) -> Picture:
    """Lay out a figure."""
    task, caption = experiment.task.name, experiment.task.captions[name]
    own_setting = experiment.settings.are_the_reports()
    numbers = caption.numbers(experiment.result.metrics)
    return Picture(
        name=name,
        id=f"{task}-{name}",
        caption=caption,
        numbers={what: value for what, value in numbers.items() if value is not None},
        meaning=caption.meaning if own_setting else "",
        drawing=experiment.drawings[name],
        cards=[card for card in cards if Path(card.judged.evidence).stem == name],
    )


def embedded(path: Path) -> str:
    """A file as an address that holds it whole."""
    return f"data:application/json;base64,{b64encode(path.read_bytes()).decode('ascii')}"


def data_files(experiment: Finished) -> list[str]:
    """The files in the experiment's folder that the page holds: all but the histories."""
    return [
        "metrics.json",
        *(f"{name}.json" for name in experiment.result.documents),
        "config.json",
    ]


def value_text(value: Any) -> str:
    """Write a value of metrics.json or config.json in a line.

    Example:
        >>> value_text([0.123456789, 3]), value_text({"0.05": 75.0}), value_text(None)
        ('0.123457, 3', '0.05: 75', 'none')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {value_text(each)}" for name, each in value.items())
    if isinstance(value, np.ndarray | list | tuple):
        return ", ".join(map(value_text, value)) or "none"
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return "none" if value is None else str(value)


def slug(path: str) -> str:
    """Write the path of a number as it may stand in an anchor.

    Example:
        >>> slug("errors/1a/float32: autodiff")
        'errors/1a/float32-autodiff'
    """
    return re.sub(r"[^\w./-]+", "-", path)
