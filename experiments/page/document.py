"""The page as a whole: what the template is given, and the file it becomes."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from experiments.claims.verdict import Judgement, Verdict
from experiments.metrics.ledger import readable
from experiments.page.equations import derivations
from experiments.page.section import anchor, section
from experiments.task import Task, TaskResult
from mnist_jax.data.known import not_mnist
from mnist_jax.files import replacing

Results = Sequence[tuple[Task[Any], TaskResult]]
"""The experiments and what they gave."""


def write(folder: Path, judgements: Sequence[Judgement], results: Results, **facts: Any) -> None:
    """Writes index.html.

    Args:
        folder: An existing folder, with the files of each task in a folder of its own.
        judgements: Judgements of all claims.
        results: The experiments and what they gave.
        **facts: What else the template names.
    """
    text = render(folder, judgements, results, **facts)
    with replacing(folder / "index.html") as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def render(folder: Path, judgements: Sequence[Judgement], results: Results, **facts: Any) -> str:
    """The page as HTML; see `write`."""
    verdicts = [judgement.verdict for judgement in judgements]
    rows = [row for _, result in results for row in result.documents.get("ledger", ())]
    sections = [section(folder, task, result, judgements) for task, result in results]
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            style=stylesheet(),
            tally={verdict: verdicts.count(verdict) for verdict in get_args(Verdict)},
            sections=sections,
            evidence={judgement.id: anchor(judgement, sections) for judgement in judgements},
            derivations=derivations(rows),
            **facts,
        )
    )


def stylesheet() -> Markup:
    """The page's style, to stand in it as it is."""
    return Markup((files("experiments") / "templates" / "page.css").read_text("utf-8"))


def environment() -> Environment:
    """Jinja, with what it inserts escaped, and an error where something is missing."""
    made = Environment(
        loader=PackageLoader("experiments"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["readable"] = readable
    made.globals["not_mnist"] = not_mnist
    return made
