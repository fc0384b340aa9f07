"""The numbers of a figure are those that it draws, and its drawing can stand in a page."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments.report.citing import FIELDS, FILE, citation
from experiments.report.drawing import draw, number, script_json
from experiments.report.processes import drawing_processes, save_and_draw
from experiments.report.series import Series, series_of
from mnist_jax import plotting

ACCURACY = np.array([0.5, np.nan, 0.9])


def new_axes() -> tuple[Figure, Any]:
    with plotting.style():
        figure, [[axes]] = plotting.new_figure()
    axes.set(xlabel="step", ylabel="height")
    return figure, axes


def only(axes: Any) -> Series:
    [found] = series_of(axes)
    return found


@pytest.mark.parametrize(
    ("style", "look"), [("-", "line"), ("o-", "line"), ("--", "dashes"), ("o", "points")]
)
def test_a_line_has_its_points_in_the_units_of_the_labels(style: str, look: str):
    _, axes = new_axes()
    axes.plot([1, 2, 3], ACCURACY, style, label="one\nlabel", color="#0072B2")
    axes.axvline(2)
    plotting.percent_axis(axes)
    found = only(axes)
    assert (found.label, found.look, found.color) == ("one label", look, "#0072b2")
    assert found.columns["step"].tolist() == [1, 2, 3]
    assert found.columns[found.y] == pytest.approx(100 * ACCURACY, nan_ok=True)
    assert found.y == "accuracy (%)"


def test_a_line_has_the_edges_of_its_band():
    _, axes = new_axes()
    samples = np.random.default_rng(0).random((40, 5))
    plotting.band(axes, np.arange(5.0), samples, label="band", color="black")
    found = only(axes)
    low, middle, high = np.quantile(samples, (0.05, 0.5, 0.95), axis=0)
    assert found.columns["height"] == pytest.approx(middle)
    assert found.columns["5th percentile"] == pytest.approx(low)
    assert found.columns["95th percentile"] == pytest.approx(high)
    assert len(found.artists) == 2


@pytest.mark.parametrize(("scale", "middle"), [("linear", [5.5, 55]), ("log", [10**0.5, 10**1.5])])
def test_a_histogram_has_its_bins(scale: str, middle: list[float]):
    _, axes = new_axes()
    axes.stairs([3, 4], [1, 10, 100], fill=True, label="bins")
    axes.set_xscale(scale)
    found = only(axes)
    assert found.look == "bars"
    columns = {name: values.tolist() for name, values in found.columns.items()}
    assert columns == {"step, from": [1, 10], "to": [10, 100], "height": [3, 4]}
    assert found.x == pytest.approx(middle)


def test_bars_belong_to_whole_numbers():
    _, axes = new_axes()
    axes.bar(np.arange(3) + 0.2, [5, 6, 7], width=0.3, label="bars")
    found = only(axes)
    assert found.columns["step"].tolist() == [0, 1, 2]
    assert found.columns["height"].tolist() == [5, 6, 7]
    assert found.x == pytest.approx([0.2, 1.2, 2.2])


def test_an_image_has_its_weights_row_by_row():
    weights = np.arange(2 * 785.0).reshape(2, 785)
    figure, [row] = plotting.new_figure(1, 2)
    plotting.weight_images(row, weights, label="weights")
    found = only(row[1])
    assert found.label == "weights, digit 1"
    assert found.columns["weight"].tolist() == weights[1, :-1].tolist()
    assert (found.columns["row"][29], found.columns["column"][29]) == (1, 1)
    written = json.loads(draw(figure, "weights").numbers)["series"][1]
    assert [name for name, _ in written["columns"]] == ["column", "row", "weight"]
    assert (written["x"], written["y"]) == (0, 1)


def test_a_panel_without_a_label_has_that_of_another():
    _, [row] = plotting.new_figure(1, 2)
    for axes in row:
        axes.plot([0, 1], [2, 3], label="line")
    row[0].set(xlabel="step", ylabel="loss\n(nats)")
    assert [*only(row[1]).columns] == ["step", "loss (nats)"]


def test_a_drawing_shares_no_name_with_another_and_has_the_colors_of_the_page():
    figure, axes = new_axes()
    axes.plot([1, 2], [3, 4], "o-", label="a", color="#0072B2")
    axes.plot([1, 2], [4, 3], label="b", color="#D55E00")
    axes.legend()
    axes.set_title("gone", loc="left")
    drawing = draw(figure, "figure")
    names = [re.findall(r' id="([^"]+)"', text) for text in drawing.svgs.values()]
    assert all(names)
    assert not set(names[0]) & set(names[1])
    for text in drawing.svgs.values():
        assert "gone" not in text
        assert not re.findall(r"(?<!href=\")#[0-9a-f]{6}", text.replace("url(#", ""))
        assert {*re.findall(r'data-series="(\d)"', text)} == {"0", "1"}
        assert text.count('data-panel="0"') == 1
        assert re.search(r"<text[^>]*>step</text>", text)
    assert [key.label for key in drawing.keys] == ["a", "b"]
    numbers = json.loads(drawing.numbers)
    assert numbers["labels"] == ["a", "b"]
    assert numbers["panels"][0]["x"]["log"] is False


def test_another_process_draws_the_same(tmp_path: Path):
    figure, axes = new_axes()
    axes.plot([1, 2], [3, 4], label="line")
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    with drawing_processes() as save:
        there = save(figure, tmp_path / "there", "figure").result()
    assert there == save_and_draw(figure, tmp_path / "here", "figure")
    for name in ("figure.svg", "figure.png"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_a_killed_run_leaves_no_process_that_draws(tmp_path: Path):
    program = f"""
import os, pathlib
from experiments.report.processes import drawing_processes
from mnist_jax import plotting
with drawing_processes() as save:
    save(plotting.new_figure()[0], pathlib.Path({str(tmp_path)!r}), "figure").result()
    os.kill(os.getpid(), 9)
"""
    # which ends when the last process has closed its output
    subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=60, check=False)
    assert (tmp_path / "figure.svg").exists()


def test_panels_stand_below_each_other_on_a_phone():
    with plotting.style():
        figure, [row] = plotting.new_figure(1, 3, size=(9, 3))
    for axes in row:
        axes.plot([0, 1], [2, 3], label="line")
    draw(figure, "three")
    places = [axes.get_position() for axes in row]
    assert len({round(place.x0, 3) for place in places}) == 1
    assert places[0].y0 > places[1].y1 > places[1].y0 > places[2].y1
    assert figure.get_figwidth() < 4


def test_what_json_lacks_is_null_and_no_text_ends_the_script():
    assert [number(value) for value in (np.nan, np.inf, 0.1234567, 2.0)] == [None, None, 0.12346, 2]
    assert "</script" not in script_json({"label": "</script><b>"})
    assert json.loads(script_json({"label": "<b>"})) == {"label": "<b>"}


def test_the_citation_is_that_of_the_file():
    found = citation()
    text = FILE.read_text(encoding="utf-8")
    assert found["author"]
    assert found["repository"] == "mnist_jax"
    for name in {*FIELDS} - {"repository-code"}:
        assert found[name]
        assert re.search(rf'^{name}: "?{re.escape(found[name])}"?$', text, re.MULTILINE)
