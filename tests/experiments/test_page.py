"""The report as a page: whole, readable by all, and drawn by a real browser without a network."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import SmallReport
from report_page import LEDGER, METRICS, Elements, make_page
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from experiments.__main__ import TASKS
from experiments.report.document import stylesheet
from experiments.report.equations import equation_anchor, mathml

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
)


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
    folder, text = page
    elements = Elements(text)
    ids = elements.values("id")
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    links = elements.values("href", "a", "use")
    assert links
    for link in links:
        assert link[1:] in ids if link.startswith("#") else (folder / link).is_file(), link
    assert {*elements.values("aria-labelledby")} <= {*ids}


def test_nothing_comes_from_outside(page: tuple[Path, str]):
    _, text = page
    elements = Elements(text)
    assert all(uri.startswith("data:") for uri in elements.values("src"))
    assert elements.values("href", "link") == ["data:,"]
    assert {"script", "iframe", "object"}.isdisjoint(element.tag for element in elements.found)
    assert "url(" not in text
    assert len(text) < 4_000_000


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
    shown = [caption.shows for task in TASKS for caption in task.captions.values()]
    assert elements.values("alt", "img") == shown


def test_every_claim_leads_to_its_evidence(whole: tuple[Path, str]):
    links = Elements(whole[1]).values("href", "a")
    for task in TASKS:
        for claim in task.claims:
            evidence = claim.evidence.removesuffix(".png")
            place = "numbers" if evidence == "metrics.json" else evidence
            assert f"#{task.name}-{place}" in links


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
    assert 'href="#task2_logistic-numbers">with shuffling it stops' in text


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


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("ground", ["ground", "card"])
def test_colours_have_enough_contrast(dark: bool, ground: str):
    light_colors, dark_colors = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block))
        for block in re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL)
    )
    colors = dark_colors if dark else light_colors
    assert {*light_colors} == {*dark_colors}
    behind = luminance(colors[ground])
    for name in ("text", "quiet", "link", "confirmed", "partly", "refuted", "unmeasured"):
        low, high = sorted([luminance(colors[name]), behind])
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("there is no chromium with its chromedriver here")
    options = Options()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(DRIVER))
    yield driver
    driver.quit()


def look(driver: webdriver.Chrome, *, width: int, scheme: str = "light", media: str = "") -> None:
    """Makes the browser a screen of this width in CSS pixels, or paper."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def requests(driver: webdriver.Chrome, page: str) -> list[str]:
    """The addresses that a page asked for; the browser's own pages ask for others."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"] == page
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_it_without_a_network(
    browser: webdriver.Chrome, small_report: SmallReport, scheme: str
):
    address = (small_report.folder / "index.html").as_uri()
    look(browser, width=1280, scheme=scheme)
    browser.get(address)
    assert browser.get_log("browser") == []
    asked = requests(browser, address)
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith("data:")] == []
    images = "return [...document.images].map(image => image.complete && image.naturalWidth)"
    assert all(browser.execute_script(images))
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 300) == (scheme == "dark")
    card = "return getComputedStyle(document.querySelector('.plot')).backgroundColor"
    assert browser.execute_script(card) == "rgb(255, 255, 255)"  # on which the figures are drawn


@pytest.mark.parametrize(
    ("width", "media"), [(320, ""), (375, ""), (820, ""), (1280, ""), (680, "print")]
)
def test_nothing_sticks_out_sideways(
    browser: webdriver.Chrome, small_report: SmallReport, width: int, media: str
):
    look(browser, width=width, media=media)
    browser.get((small_report.folder / "index.html").as_uri())
    widest = browser.execute_script("return document.documentElement.scrollWidth")
    assert widest <= width


def test_a_link_to_evidence_scrolls_to_it(browser: webdriver.Chrome, small_report: SmallReport):
    look(browser, width=375)
    browser.get((small_report.folder / "index.html").as_uri())
    browser.find_element("css selector", ".claims a").click()
    evidence = browser.execute_script(
        "const place = document.querySelector(':target').getBoundingClientRect();"
        "return place.top < innerHeight && place.bottom > 0"
    )
    assert evidence


def test_the_first_tab_offers_to_skip_to_the_content(
    browser: webdriver.Chrome, small_report: SmallReport
):
    look(browser, width=1280)
    browser.get((small_report.folder / "index.html").as_uri())
    browser.find_element("css selector", "body").send_keys("\ue004")  # the key's name: Tab
    seen = "const box = document.activeElement.getBoundingClientRect(); return box.top >= 0"
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    assert browser.execute_script(seen)


@pytest.mark.parametrize(
    ("data_set", "named"),
    [("fashion-mnist", "Fashion-MNIST"), ("unverified", "data of unknown content")],
)
def test_on_other_images_than_mnist_no_claim_is_judged(data_set: str, named: str, tmp_path: Path):
    text = make_page(tmp_path, METRICS, data_set=data_set)
    claims = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert {claim["verdict"] for claim in claims} == {"not measured"}
    assert {claim["measured"] for claim in claims} == {f"not on MNIST but on {named}"}
    assert "Not on MNIST." in text
    assert "**Not on MNIST**" in (tmp_path / "report.md").read_text(encoding="utf-8")
    mnist = tmp_path / "mnist"
    mnist.mkdir()
    assert "Not on MNIST" not in make_page(mnist, METRICS)
