"""The colours of the page, light and dark: text and figures stand out from what is behind them."""

import re

import pytest

from experiments.report.document import part
from experiments.report.drawing import COLORS


def luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("ground", ["ground", "card"])
def test_colours_have_enough_contrast(dark: bool, ground: str):
    light_colors, dark_colors = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block))
        for block in re.findall(r":root \{(.*?)\}", part("page.css"), re.DOTALL)
    )
    colors = dark_colors if dark else light_colors
    assert {*light_colors} == {*dark_colors}
    behind = luminance(colors[ground])
    for name in ("text", "quiet", "link", "confirmed", "partly", "refuted", "unmeasured"):
        low, high = sorted([luminance(colors[name]), behind])
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


@pytest.mark.parametrize("place", [0, 1])
def test_the_colours_of_figures_are_told_from_the_ground(place: int):
    block = re.findall(r":root \{(.*?)\}", part("page.css"), re.DOTALL)[place]
    colors = dict(re.findall(r"--([\w-]+): (#\w{6});", block))
    behind = luminance(colors["card"])
    assert {*COLORS} == {name[1:] for name in colors if re.fullmatch(r"c[0-9a-f]{6}", name)}
    for name in {*COLORS} - {"ffffff", "e3e3e3"}:
        low, high = sorted([luminance(colors[f"c{name}"]), behind])
        assert (high + 0.05) / (low + 0.05) >= 3, name
