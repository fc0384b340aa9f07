"""The report as files: claims.json, report.md, and index.html, a page that needs nothing else."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from experiments import reported
from experiments.common import terms
from experiments.common.claims import JudgedClaim, Verdict
from experiments.common.settings import Settings
from experiments.report.citing import citation
from experiments.report.equations import TITLES, equation_anchor, is_wide, mathml
from experiments.report.judging import Finished, claims_file
from experiments.report.section import Section, embedded, slug, value_text
from experiments.task1_gradients.ledger import counted_lines, readable
from mnist_jax.data.known import not_mnist
from mnist_jax.files import replacing
from mnist_jax.results import write_json


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report to be written."""

    folder: Path  # an existing folder, with the files of each experiment in a folder of its own
    settings: Settings  # settings of all experiments
    config: dict[str, Any]  # the settings, data and environment, as config.json holds them
    seconds: float  # duration of the run
    experiments: Sequence[Finished]  # the experiments, in the report's order
    claims: Sequence[JudgedClaim]  # all claims with their verdicts


def write(report: Report) -> None:
    """Write claims.json, report.md and index.html."""
    records = claims_file(report.experiments, report.claims, report.config)
    write_json(report.folder / "claims.json", records)
    for name, text in (("report.md", markdown(report)), ("index.html", page(report))):
        with replacing(report.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def markdown(report: Report) -> str:
    """The short form, as Markdown."""
    return _environment().get_template("report.md.jinja").render(report=report)


def page(report: Report) -> str:
    """The page, as HTML."""
    verdicts = [claim.verdict for claim in report.claims]
    sections = [Section(report.folder, each, report.claims) for each in report.experiments]
    ledger = [row for each in report.experiments for row in each.result.documents.get("ledger", ())]
    environment = _environment(autoescape=True, lstrip_blocks=True)
    environment.filters.update(
        anchor=equation_anchor, is_wide=is_wide, mathml=mathml, slug=slug, value_text=value_text
    )
    script = part("page.js")
    return environment.get_template("page.html.jinja").render(
        report=report,
        style=part("page.css"),
        script=script,
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        tally={verdict: verdicts.count(verdict) for verdict in Verdict},
        sections=sections,
        claims_file=embedded(report.folder / "claims.json"),
        citation=citation(),
        counted_lines=counted_lines,
        reported=reported,
        terms=terms,
        ledger=ledger,
        titles=TITLES,
    )


def part(name: str) -> Markup:
    """The page's style sheet or script, inserted as it is."""
    return Markup((files("experiments.report") / "templates" / name).read_text("utf-8"))


def _environment(**options: Any) -> Environment:
    """Jinja, with an error where a value is missing."""
    loader = PackageLoader("experiments.report")
    made = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, **options)
    made.filters.update(readable=readable, plain=plain)
    made.globals["not_mnist"] = not_mnist
    return made


def plain(value: object) -> str:
    r"""A value as Markdown shows it, whatever signs it has, on one line.

    Example:
        >>> print(plain("a|b <i>*"))
        a\|b &lt;i&gt;\*
    """
    text = escape(" ".join(str(value).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)
