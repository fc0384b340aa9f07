"""The documents are rendered from what was measured, and what was measured is so still."""

import json
import re
import shutil
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markdown_it import MarkdownIt

from experiments import docs
from experiments.common.claims import Verdict
from experiments.task1_gradients.ledger import ROUNDING, ledger_metrics, ledger_rows, ledger_table
from mnist_jax.derivation import BOUND, Judgement, ledger
from mnist_jax.errors import UsageError

DOCS = Path(__file__).parents[2] / "docs"
DERIVATIONS = (DOCS / "derivations.md").read_text(encoding="utf-8")
ROWS = json.loads((DOCS / "measured" / "ledger.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def judgements() -> list[Judgement]:
    return ledger()


def test_the_documents_are_what_their_templates_give():
    rendered = docs.render(DOCS)
    assert {DOCS / "derivations.md", DOCS.parent / "README.md"} <= {*rendered}
    for path, text in rendered.items():
        assert path.read_text(encoding="utf-8") == text, f"stale: run python -m {docs.__name__}"


def test_the_ledger_they_quote_is_that_of_now(judgements: list[Judgement]):
    measured = ledger_rows(judgements)
    assert len(measured) == len(ROWS)
    for now, then in zip(measured, ROWS, strict=True):
        for name in ("deviation", "corrected_deviation"):
            value, quoted = now.pop(name), then.pop(name)
            if quoted is None or quoted > ROUNDING:
                assert value == (quoted and pytest.approx(quoted, rel=1e-6))
            else:
                assert max(value, quoted) <= BOUND
        assert now == then


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["number"])
def test_every_line_is_shown_with_its_verdict(row: dict):
    if row["verdict"] != "empty":
        verdict = rf"\({re.escape(row['number'])}\) (is a )?{row['verdict']}\b"
        shown = rf"\$\$\n{re.escape(row['latex'])}\n\$\$\n\n\*+{verdict}"
        assert re.search(shown, DERIVATIONS)
    assert (row["corrected_latex"] or "") in DERIVATIONS


def test_markdown_leaves_the_formulas_as_they_are():
    # GitHub hands them to MathJax only after Markdown has had its way with \, _ and leading signs
    blocks = MarkdownIt("commonmark").parse(DERIVATIONS)
    texts = [[part.content or "\n" for part in block.children or []] for block in blocks]
    read = "\n".join("".join(parts) for parts in texts)
    formulas = re.findall(r"\$\$\n.+\n\$\$|\$[^$\n]+\$", DERIVATIONS)
    assert len(formulas) > 100
    assert [formula for formula in formulas if formula not in read] == []


def test_the_table_has_a_row_for_each_line(judgements: list[Judgement]):
    table = ledger_table(judgements)
    assert [row[0] for row in table] == [row["number"] for row in ROWS]
    shown = {row[0]: row[2:] for row in table}
    assert shown["8"] == ("slip", "0.9")
    assert shown["17"] == ("empty", "")


def test_the_metrics_name_the_slips(judgements: list[Judgement]):
    metrics = ledger_metrics(judgements)
    assert metrics["slip"] == ["1a.7", "1b (statement)", "8", "9", "11", "12", "18 (reason)"]
    assert (metrics["fails"], metrics["empty"]) == ([], ["17", "20"])
    assert 0 < metrics["largest_deviation_that_holds"] <= metrics["bound"] == BOUND


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents of their own: one that quotes the number of equations."""
    (tmp_path / "a.md.jinja").write_text("{{ ledger | length }} lines\n")
    results = tmp_path / "results"
    for name in (*docs.MEASURED.values(), *docs.FIGURES):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("[1, 2]")
    own = {"settings": {"data_dir": "private"}, "environment": {"python": "3"}}
    (results / docs.ENVIRONMENT).write_text(json.dumps(own))
    return tmp_path


def flags(folder: Path, *more: str) -> list[str]:
    return ["--docs-dir", str(folder), "--results-dir", str(folder / "results"), *more]


def test_an_update_takes_the_numbers_of_the_results(folder: Path, capsys):
    assert docs.run(flags(folder, "--update")) == 0
    assert (folder / "a.md").read_text() == "2 lines\n"
    assert str(folder / "a.md") in capsys.readouterr().out
    (folder / "results" / "task1_gradients" / "ledger.json").write_text("[1, 2, 3]")
    docs.run(flags(folder))
    assert (folder / "a.md").read_text() == "2 lines\n"
    docs.run(flags(folder, "--update"))
    assert (folder / "a.md").read_text() == "3 lines\n"
    assert (folder / "figures" / "2b_loss.svg").read_text() == "[1, 2]"
    assert "private" not in (folder / "measured" / "environment.json").read_text()


def test_the_readme_stands_above_the_documents(folder: Path):
    inner = folder / "docs"
    inner.mkdir()
    (inner / "README.md.jinja").write_text("{{ tally([{'verdict': 'refuted'}]) }}\n")
    assert docs.render(inner) == {folder / "README.md": "1 refuted\n"}


def test_every_figure_that_they_show_is_one_of_the_last_run():
    shown = {
        name
        for path in docs.render(DOCS)
        for name in re.findall(r"\((?:docs/)?figures/(\S+)\)", path.read_text(encoding="utf-8"))
    }
    assert shown == {Path(figure).name for figure in docs.FIGURES}
    assert shown == {path.name for path in (DOCS / "figures").iterdir()}


@pytest.mark.parametrize("verdict", [*Verdict])
def test_no_sentence_beside_a_verdict_names_another(verdict: str, tmp_path: Path):
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("_build"))
    measured = tmp_path / "docs" / "measured"
    claims = json.loads((measured / "claims.json").read_text(encoding="utf-8"))
    changed = [claim | {"verdict": verdict, "checks": []} for claim in claims]
    (measured / "claims.json").write_text(json.dumps(changed), encoding="utf-8")
    rendered = docs.render(tmp_path / "docs")
    assert f"{len(claims)} {verdict}" in rendered[tmp_path / "README.md"]
    others = set(Verdict) - {verdict}
    reproduction = rendered[tmp_path / "docs" / "reproduction.md"]
    assert not [other for other in others if f"**{other}**" in reproduction]


def test_what_is_missing_is_named(folder: Path):
    with pytest.raises(UndefinedError, match="ledger"):
        docs.run(flags(folder))
    with pytest.raises(UsageError, match=r"ledger\.json.* not found.*--results-dir"):
        docs.run(["--docs-dir", str(folder), "--results-dir", str(folder), "--update"])
    with pytest.raises(UsageError, match=r"results.*--docs-dir"):
        docs.run(flags(folder / "results"))


def test_an_unknown_number_is_an_error(folder: Path):
    docs.run(flags(folder, "--update"))
    macro = (DOCS / "derivations.md.jinja").read_text(encoding="utf-8").split("# The three")[0]
    (folder / "a.md.jinja").write_text(macro + '{{ equation("28") }}')
    (folder / "measured" / "ledger.json").write_text(json.dumps(ROWS))
    with pytest.raises(UndefinedError):
        docs.run(flags(folder))
