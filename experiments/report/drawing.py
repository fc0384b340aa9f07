"""Figures as the page holds them: drawings that follow its colors, with their numbers."""

from __future__ import annotations

import io
import json
import math
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from experiments.report.series import Series, label_of, series_of, units
from mnist_jax import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

NARROW = 3.75
"""Width in inches of a drawing for a phone, on which letters keep their size."""
LARGEST = 125
"""Pixels of CSS for an inch of a figure, at most."""
PANEL, IMAGE = 2.4, 0.78
"""Height in inches of a panel there, and of an image, of which five stand in a row."""
LETTERS = 44
"""Letters that have room in a line there."""
COLORS = (
    "000000",
    "808080",
    "e3e3e3",
    "ffffff",
    "0072b2",
    "d55e00",
    "009e73",
    "cc79a7",
    "e69f00",
    "56b4e9",
)
"""Colors that the page has others for in the dark."""


@dataclass(frozen=True)
class Key:
    """An entry of a figure's legend: name, way of drawing, color."""

    label: str
    look: str
    color: str


@dataclass(frozen=True)
class Drawing:
    """A figure on the page."""

    svgs: dict[str, Markup]  # drawings, "wide" and, for a phone, "narrow"
    sizes: dict[str, int]  # their widths in pixels of CSS
    keys: list[Key]  # entries of the legend; empty where there is nothing to tell apart
    numbers: Markup  # what the page's script reads, as JSON


def draw(figure: Figure, name: str) -> Drawing:
    """Draws a figure for the page under a name that is unique there; changes its layout."""
    bare(figure)
    found = [(panel, each) for panel, axes in enumerate(figure.axes) for each in series_of(axes)]
    keys: dict[str, Key] = {}
    for _, each in found:
        keys.setdefault(each.label, Key(each.label, each.look, page_color(each.color)))
    labels = list(keys)
    name_parts(figure, found, labels)
    numbers = {
        "panels": [_panel(axes) for axes in figure.axes],
        "labels": labels,
        "series": [_plain(panel, labels, each) for panel, each in found],
    }
    wide, size = svg(figure, f"{name}-wide"), figure.get_figwidth()
    narrow(figure)
    told_apart = len(labels) > 1 and not any(each.look == "image" for _, each in found)
    return Drawing(
        svgs={"wide": wide, "narrow": svg(figure, f"{name}-narrow")},
        sizes={"wide": round(LARGEST * size), "narrow": round(LARGEST * NARROW)},
        keys=list(keys.values()) if told_apart else [],
        numbers=script_json(numbers),
    )


def name_parts(figure: Figure, found: list[tuple[int, Series]], labels: list[str]) -> None:
    """Name what the page's script looks for: the panels, and all that draws a series."""
    for panel, axes in enumerate(figure.axes):
        axes.patch.set_gid(f"panel-{panel}")
    for _, each in found:
        for artist in each.artists:
            artist.set_gid(f"series-{labels.index(each.label)}")


def bare(figure: Figure) -> None:
    """Take away what the page says itself: the title and the legends."""
    figure.suptitle("")
    for axes in figure.axes:
        if legend := axes.get_legend():
            legend.remove()
    if len(figure.axes) == 1:
        figure.axes[0].set_title("", loc="left")


def narrow(figure: Figure) -> None:
    """Lay a figure out for a phone: panels below each other, images in rows of five."""
    images = [panel for panel in figure.axes if panel.images]
    if images:
        for bar in filter(None, (panel.images[0].colorbar for panel in images)):
            bar.remove()  # the readout gives the values
        place(figure, images, columns=5, height=IMAGE)
        return
    names = [[_wrapped(label_of(panel, name)) for name in ("x", "y")] for panel in figure.axes]
    for panel, (x, y) in zip(figure.axes, names, strict=True):
        panel.set_title(_wrapped(panel.get_title("left")), loc="left")
        panel.tick_params(labelleft=True, labelbottom=True)
        panel.set_xlabel(x, loc="center")
        panel.set_ylabel(y)
    place(figure, figure.axes, columns=1, height=PANEL)


def place(figure: Figure, panels: list[Axes], *, columns: int, height: float) -> None:
    """Arrange panels in rows of equal width; one without axes takes less height."""
    from matplotlib.gridspec import GridSpec

    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    heights = [height if row[0].axison else height / 4 for row in rows]
    grid = GridSpec(len(rows), columns, figure=figure, height_ratios=heights)
    for number, panel in enumerate(panels):
        panel.set_subplotspec(grid[number])
    figure.set_size_inches(NARROW, sum(heights))


def svg(figure: Figure, name: str) -> Markup:
    """Write a figure as SVG that stands in a page: its ids are unique, its colors the page's."""
    import matplotlib as mpl

    file = io.StringIO()
    with plotting.laid_out(figure), mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    for pattern, new in (
        (r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", ""),
        (r'id="(series|panel)-(\d+)"', r'data-\1="\2"'),
        (r' id="(\w+_\d+|image\w+)"', ""),
        (r'(id="|href="#|url\(#)(\w+)', rf"\g<1>{name}-\2"),
        (r"font: (?:\w+ )*?([\d.]+)px [^;\"]*", r"font-size: \1px"),
        (rf"#(?:{'|'.join(COLORS)})\b", lambda found: page_color(found[0])),
        (r"(<svg[^>]*?) width=[^>]*? (?=viewBox)", r"\1 "),
        (r"\s*\n\s*", "\n"),
    ):
        text = re.sub(pattern, new, text, flags=re.DOTALL)
    return Markup(re.sub(r"<[^>]*>", _rounded, text))


def page_color(color: str) -> str:
    """A color of a figure as the page's style sheet names it, which has another in the dark."""
    return f"var(--c{color[1:]})" if color[1:] in COLORS else color


def script_json(value: Any) -> Markup:
    """Write JSON that can stand in a script element, whatever its texts hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", r"\u003c"))


def number(value: float) -> float | int | None:
    """Shorten a number to five digits; None if it is not finite.

    Example:
        >>> number(0.123456), number(18000.0), number(float("nan"))
        (0.12346, 18000, None)
    """
    if not math.isfinite(value):
        return None
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() else short


def _wrapped(text: str) -> str:
    return textwrap.fill(text, LETTERS)


def _panel(axes: Axes) -> dict[str, Any]:
    title = "" if axes.images else axes.get_title("left")
    return {"title": " ".join(title.split()), "x": _axis(axes.xaxis), "y": _axis(axes.yaxis)}


def _axis(axis: Axis) -> dict[str, Any]:
    limits = [number(units(axis) * float(limit)) for limit in axis.get_view_interval()]
    return {"limits": limits, "log": axis.get_scale() == "log"}


def _plain(panel: int, labels: list[str], series: Series) -> dict[str, Any]:
    columns = {
        name: [number(v) for v in values.tolist()] for name, values in series.columns.items()
    }
    places = [number(value) for value in series.x.tolist()]
    names = list(columns)
    # places that are a column are not written twice, nor those of the pixels of an image
    x = next((names.index(name) for name in names if columns[name] == places), places)
    if series.look == "image":
        columns |= {"column": [], "row": []}
    return {
        "panel": panel,
        "label": labels.index(series.label),
        "look": series.look,
        "columns": list(columns.items()),
        "x": x,
        "y": names.index(series.y),
    }


def _rounded(tag: re.Match[str]) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", tag[0])
