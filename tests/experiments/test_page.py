"""The report as a page: whole, readable by all, each claim linked to what decided it."""

import json
import re
from base64 import b64decode, b64encode
from collections import Counter
from functools import reduce
from hashlib import sha256
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from report_page import LEDGER, METRICS, Elements, make_page
from small_report import SmallReport

from experiments import reported
from experiments.__main__ import TASKS
from experiments.common import terms
from experiments.report.equations import equation_anchor, mathml
from experiments.report.section import value_text
from mnist_jax import __version__

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The page of a run in its full form, all figures drawn."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, make_page(folder, METRICS)


@pytest.fixture(params=["whole", "small"])
def page(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """The page of a full run, and that of a small one in which figures are absent."""
    if request.param == "whole":
        return request.getfixturevalue("whole")
    folder = request.getfixturevalue("small_report").folder
    return folder, (folder / "index.html").read_text(encoding="utf-8")


def test_ids_are_unique_and_every_link_leads_somewhere(page: tuple[Path, str]):
    _, text = page
    elements = Elements(text)
    ids = elements.values("id")
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    links = elements.values("href", "a", "use")
    assert links
    for link in links:
        assert link[1:] in ids if link.startswith("#") else link.startswith("data:"), link[:80]
    used = elements.values("xlink:href", "use") + re.findall(r"url\(#([\w-]+)\)", text)
    assert {name.removeprefix("#") for name in used} <= {*ids}
    assert {*elements.values("aria-labelledby")} <= {*ids}


def test_nothing_comes_from_outside(page: tuple[Path, str]):
    _, text = page
    elements = Elements(text)
    assert all(uri.startswith("data:") for uri in elements.values("src"))
    assert elements.values("href", "link") == ["data:,"]
    assert {"iframe", "object"}.isdisjoint(element.tag for element in elements.found)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest|import\(", text)
    assert len(text.encode()) < 4_000_000


def test_one_short_script_is_allowed_and_no_other(page: tuple[Path, str]):
    _, text = page
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script.count("\n") < 160
    digest = b64encode(sha256(script.encode()).digest()).decode()
    [policy] = [v for v in Elements(text).values("content", "meta") if "default-src" in v]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    kinds = Elements(text).values("type", "script")
    assert {*kinds} == {"application/json"}
    assert len(kinds) == text.count("<figure")


def test_it_can_be_read_without_seeing_it(page: tuple[Path, str]):
    elements = Elements(page[1])
    levels = [int(e.tag[1]) for e in elements.found if re.fullmatch("h[1-6]", e.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tags = Counter(element.tag for element in elements.found)
    assert tags["main"] == tags["nav"] == tags["header"] == 1
    assert len(elements.values("scope", "th")) == tags["th"]
    assert elements.values("lang", "html") == ["en"]
    first_link = next(element for element in elements.found if element.tag == "a")
    assert first_link.attributes["href"] == "#main"


def test_every_figure_is_there_with_its_words(whole: tuple[Path, str]):
    elements = Elements(whole[1])
    figures = {f"{task.name}-{name}" for task in TASKS for name in task.captions}
    assert figures <= {*elements.values("id")}
    captions = [caption for task in TASKS for caption in task.captions.values()]
    named = elements.values("aria-label", "div")
    assert [label for label in named if not label.startswith("equation")] == [
        caption.title for caption in captions
    ]
    assert all(caption.shows in unescape(whole[1]) for caption in captions)


def test_every_claim_leads_to_its_evidence(whole: tuple[Path, str]):
    links = Elements(whole[1]).values("href", "a")
    for task in TASKS:
        for claim in task.claims:
            name = claim.statement.id
            assert links.count(f"#{name}") == 2  # in the table, and the claim's own
            evidence = claim.evidence.removesuffix(".png")
            place = "numbers" if evidence == "metrics.json" else evidence
            start = whole[1].index(f'id="{task.name}-{place}"')
            assert start < whole[1].index(f'class="claim" id="{name}"')


def test_a_claim_leads_to_its_numbers_and_they_to_the_files(whole: tuple[Path, str]):
    folder, text = whole
    for task in TASKS:
        metrics = json.loads((folder / task.name / "metrics.json").read_text(encoding="utf-8"))
        for claim in task.claims:
            found = f'<div id="{claim.statement.id}-numbers">(.*?)</div>'
            [chain] = re.findall(found, text, re.DOTALL)
            numbers = re.findall(rf'href="#{task.name}/(.*?)">.*?</a></th><td>(.*?)<', chain)
            of_metrics = [each for each in numbers if not each[0].startswith("settings/")]
            assert of_metrics
            for path, value in of_metrics:
                inner = reduce(lambda inner, key: inner[key], path.split("/"), metrics)
                assert unescape(value) == value_text(inner)
            for name in claim.needs:
                if name in vars(task.settings()):
                    assert f'href="#{task.name}/settings/{name}"' in chain
            assert f'href="#{task.name}-files"' in chain
        for name in ("metrics.json", "config.json"):
            [held] = re.findall(f'download="{task.name}-{name}" href="data:[^,]*,(.*?)"', text)
            assert b64decode(held) == (folder / task.name / name).read_bytes()


def test_documents_and_page_name_a_claim_alike(whole: tuple[Path, str]):
    document = (DOCS / "reproduction.md").read_text(encoding="utf-8")
    for task in TASKS:
        for claim in task.claims:
            name = claim.statement.id
            assert f'<a class="permalink" href="#{name}">#{name}</a>' in whole[1]
            assert f"[#{name}](#{name})" in document
            assert f"### {name.replace('-', ' ').capitalize()}\n" in document
            assert claim.about in document
            assert claim.about in unescape(whole[1])
    for word, explanation in terms.TERMS.items():
        assert f"**{word}**: {explanation}" in document
        assert unescape(whole[1]).count(explanation) == 1


def test_words_are_explained_before_they_are_used(whole: tuple[Path, str]):
    text = unescape(re.sub(r"<(style|script|svg|nav).*?</\1>", "", whole[1], flags=re.DOTALL))
    body = re.sub(r"<[^>]*>", " ", text[text.index("<body") :])
    for words, explanation in terms.TERMS.items():
        before = body.partition(explanation)[0].rstrip().removesuffix(words)
        for word in words.split(", "):
            assert re.search(rf"\b{word}\b", body.partition(explanation)[2])
            assert not re.search(rf"\b{word}\b", before), word


def test_the_page_says_how_to_cite_it(whole: tuple[Path, str]):
    for value in (reported.TITLE, reported.AUTHOR, "mnist_jax", __version__, "MIT"):
        assert value in whole[1]


def test_every_verdict_is_a_word(whole: tuple[Path, str]):
    folder, text = whole
    verdicts = Counter(c["verdict"] for c in json.loads((folder / "claims.json").read_text()))
    for verdict, times in verdicts.items():
        badges = re.findall(rf'data-verdict="{verdict}"><svg.*?</svg>(.*?)<', text)
        # in the table, beside the evidence, in the tally
        assert badges.count(verdict) == 2 * times + 1


def test_the_page_of_a_short_run_says_so(small_report: SmallReport):
    text = (small_report.folder / "index.html").read_text(encoding="utf-8")
    assert "Quick form" in text
    assert "task2_logistic-2d_stopping" not in text
    assert text.index('id="task2_logistic-numbers"') < text.index('id="stopping-range"')


def test_what_diverged_is_said_and_what_a_run_gives_is_escaped(whole: tuple[Path, str]):
    assert "a &lt;run&gt; of task2_logistic diverged at step 3" in whole[1]


def letters(text: str) -> Counter[str]:
    return Counter(character for character in text if character.isalnum())


@pytest.mark.parametrize(
    "latex",
    [row[name] for row in LEDGER for name in ("latex", "corrected_latex") if row[name]],
)
def test_no_letter_of_an_equation_is_lost(latex: str):
    text = unescape(re.sub("<[^>]*>", "", mathml(latex)))
    written = latex.replace(r"\ln", "ln").replace(r"\lambda", "λ").replace("{cases}", "")
    assert letters(text) == letters(re.sub(r"\\[a-zA-Z]+", " ", written))


def test_the_derivations_hold_every_line_of_the_ledger(whole: tuple[Path, str]):
    ids = [name for name in Elements(whole[1]).values("id", "li") if name.startswith("equation")]
    assert ids == [equation_anchor(row["number"]) for row in LEDGER]


@pytest.mark.parametrize(
    ("data_set", "named"),
    [("fashion-mnist", "Fashion-MNIST"), ("unverified", "data of unknown content")],
)
def test_on_other_images_than_mnist_no_claim_is_judged(
    data_set: str, named: str, tmp_path: Path, whole: tuple[Path, str]
):
    text = make_page(tmp_path, METRICS, data_set=data_set)
    claims = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert {claim["verdict"] for claim in claims} == {"not measured"}
    assert {claim["measured"] for claim in claims} == {f"not on MNIST but on {named}"}
    assert "Not on MNIST." in text
    assert "**Not on MNIST**" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Not on MNIST" not in whole[1]
