"""Figures of the page in a real browser: they answer the mouse and keys with a run's numbers."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from browser import command, look
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from small_report import SmallReport

FIGURE = "figure[data-name='3c_accuracy']"
DOT = """
  const box = arguments[0].querySelector('.dot').getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
"""
LAST_POINT = """
  const [figure, label] = arguments;
  const line = figure.querySelector(`.wide [data-series="${label}"] path`);
  const [x, y] = line.getAttribute('d').trim().split(/\\s+/).slice(-2).map(Number);
  const at = new DOMPoint(x, y).matrixTransform(line.ownerSVGElement.getScreenCTM());
  return [at.x, at.y];
"""


@pytest.fixture
def figure(browser: webdriver.Chrome, address: str) -> WebElement:
    """A figure of two panels, on a wide screen."""
    look(browser, width=1280)
    browser.get(address)
    found = browser.find_element("css selector", FIGURE)
    browser.execute_script("arguments[0].scrollIntoView()", found)
    return found


def evaluations(report: SmallReport, run: str) -> list[dict[str, str]]:
    """The steps at which a run of task 3 was evaluated, from its history."""
    path = report.folder / "task3_softmax" / "history.csv"
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return [row for row in rows if row["run"] == run and row["validation_accuracy"]]


def percent(fraction: str) -> float:
    return float(f"{100 * float(fraction):.5g}")


def readout(figure: WebElement) -> list[str]:
    return (figure.find_element("css selector", "output").get_attribute("textContent") or "").split(
        "\n"
    )


def label_of(figure: WebElement, name: str) -> tuple[WebElement, str]:
    """An entry of a figure's legend, and its number."""
    [label] = [e for e in figure.find_elements("css selector", ".key label") if name in e.text]
    return label, label.get_attribute("data-label") or ""


def point_at(browser: webdriver.Chrome, figure: WebElement, label: str) -> tuple[float, float]:
    """Moves the mouse to the last point of a series in the first panel."""
    x, y = browser.execute_script(LAST_POINT, figure, label)
    command(browser, "Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    return x, y


def test_hovering_gives_the_numbers_of_the_history(
    browser: webdriver.Chrome, figure: WebElement, small_report: SmallReport
):
    last = evaluations(small_report, "sequential")[-1]
    for name, column in (("validation", "validation_accuracy"), ("training", "train_accuracy")):
        at = point_at(browser, figure, label_of(figure, name)[1])
        assert browser.execute_script(DOT, figure) == pytest.approx(at, abs=1)
        title, step, accuracy = readout(figure)
        assert title.endswith(f", {name}")
        assert step == f"step: {last['step']}"
        assert float(accuracy.removeprefix("accuracy (%): ")) == percent(last[column])
    command(browser, "Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
    assert readout(figure) == [""]


def test_the_readout_stays_on_a_phone(browser: webdriver.Chrome, address: str):
    look(browser, width=390)
    browser.get(address)
    for plot in browser.find_elements("css selector", ".plot"):
        for key in (Keys.ARROW_RIGHT, Keys.END):
            plot.send_keys(key)
            assert readout(plot) != [""]
            box = plot.find_element("css selector", "output").rect
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


def test_the_keyboard_gives_the_same_numbers(
    browser: webdriver.Chrome, figure: WebElement, small_report: SmallReport
):
    plot = figure.find_element("css selector", ".plot")
    rows = evaluations(small_report, "sequential")
    shown: list[Any] = []
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.END, Keys.HOME):
        plot.send_keys(key)
        title, step, accuracy = readout(figure)
        assert title.endswith(", validation")
        found = (step.split()[-1], float(accuracy.split()[-1]))
        assert found in [(row["step"], percent(row["validation_accuracy"])) for row in rows]
        shown.append(int(found[0]))
    first, second, back, end, home = shown
    assert (first, first) == (back, home)
    assert first < second < end == int(rows[-1]["step"])
    plot.send_keys(Keys.ARROW_DOWN)
    assert readout(figure)[0].endswith(", training")
    plot.send_keys(Keys.ARROW_UP)
    assert readout(figure)[0].endswith(", validation")
    assert figure.find_elements("css selector", ".dot")
    plot.send_keys(Keys.ESCAPE)
    assert readout(figure) == [""]
    assert not figure.find_elements("css selector", ".dot")


def test_a_series_can_be_switched_off_and_on(browser: webdriver.Chrome, figure: WebElement):
    entry, label = label_of(figure, "validation")
    box = entry.find_element("css selector", "input")
    drawn = "return arguments[0].querySelectorAll(`.wide [data-series='${arguments[1]}']`)"
    parts = browser.execute_script(drawn, figure, label)
    assert len(parts) == 2  # one in each panel
    for shown, way in ((False, box.click), (True, lambda: box.send_keys(Keys.SPACE))):
        way()
        assert [part.is_displayed() for part in parts] == [shown, shown]
        point_at(browser, figure, label)
        assert readout(figure)[0].endswith(", validation") == shown


def test_the_data_are_those_of_the_history(
    browser: webdriver.Chrome, address: str, small_report: SmallReport, tmp_path: Path
):
    look(browser, width=1280)
    browser.get(address)
    command(browser, "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.find_element("css selector", "figure[data-name='3b_loss'] button.data").click()
    path = tmp_path / "3b_loss.csv"
    for _ in range(100):
        if path.exists():
            break
        time.sleep(0.1)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    loss, percentiles = "cross entropy (nats)", ("5th percentile", "95th percentile")
    assert {*rows[0]} == {"panel", "series", "step", loss, *percentiles}
    assert sorted({row["series"] for row in rows}) == [
        "training, mean of an epoch; band: 90 % of its batches",
        "validation",
    ]
    validation = [row for row in rows if row["series"] == "validation"]
    panels = list(dict.fromkeys(row["panel"] for row in validation))
    for panel, run in zip(panels, ("sequential", "stochastic"), strict=True):
        found = [(row["step"], row[loss]) for row in validation if row["panel"] == panel]
        wanted = [(row["step"], row["validation_loss"]) for row in evaluations(small_report, run)]
        assert [step for step, _ in found] == [step for step, _ in wanted]
        assert [float(value) for _, value in found] == [
            pytest.approx(float(value), rel=1e-4) for _, value in wanted
        ]
