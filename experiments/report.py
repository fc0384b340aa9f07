"""The written report: claims with their verdicts, then the figures and numbers of each task."""

import re
from collections.abc import Sequence
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from experiments.claims import CLAIMS
from experiments.claims.verdict import Judgement, Metrics, judge, not_measured
from experiments.settings import Settings
from experiments.task import Task, TaskResult
from mnist_jax.data.known import not_mnist, title
from mnist_jax.files import replacing
from mnist_jax.results import write_json


def changed_settings(settings: Settings) -> set[str]:
    """The names of the settings that are not the report's own, its defaults."""
    own = type(settings)()
    names = [field.name for field in fields(settings)]
    return {name for name in names if getattr(settings, name) != getattr(own, name)}


def judge_all(metrics: Metrics, settings: dict[str, Settings]) -> list[Judgement]:
    """Judges every claim of the report.

    Args:
        metrics: Task name to metrics.
        settings: Task name to the settings it was run with.

    Returns:
        One judgement for each claim; on another data set than MNIST, that it was not measured.
    """
    changed = {name: changed_settings(own) for name, own in settings.items()}
    others = {title(own.data_set) for own in settings.values()} - {title("mnist")}
    if others:
        reason = f"not on MNIST but on {', '.join(sorted(others))}"
        return [not_measured(claim, reason) for claim in CLAIMS]
    return [judge(claim, metrics, changed) for claim in CLAIMS]


def write(
    folder: Path,
    judgements: Sequence[Judgement],
    tasks: Sequence[tuple[Task[Any], TaskResult]],
    **facts: Any,
) -> None:
    """Writes claims.json and report.md.

    Args:
        folder: An existing folder, with a folder for each task.
        judgements: Judgements of all claims.
        tasks: The experiments and what they gave.
        **facts: What else the template names.
    """
    write_json(folder / "claims.json", [judgement._asdict() for judgement in judgements])
    environment = Environment(
        loader=PackageLoader("experiments"), undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals["not_mnist"] = not_mnist
    environment.filters["plain"] = plain
    template = environment.get_template("report.md.jinja")
    text = template.render(judgements=judgements, tasks=tasks, **facts)
    with replacing(folder / "report.md") as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def plain(value: object) -> str:
    r"""A value as Markdown shows it, whatever signs it has, on one line.

    Example:
        >>> print(plain("a|b <i>*"))
        a\|b &lt;i&gt;\*
    """
    text = escape(" ".join(str(value).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)
