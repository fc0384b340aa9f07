"""The numbers of a figure, read from what it draws: for the page's readout and CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


class Series(NamedTuple):
    """Numbers that are drawn together, in the units of the axes' labels."""

    label: str  # name of what is drawn
    look: str  # way of drawing: line, dashes, points, bars or image
    color: str  # color; empty for an image
    columns: dict[str, np.ndarray]  # name of each column to its values
    x: np.ndarray  # places on the horizontal axis
    y: str  # column that holds the places on the vertical axis
    artists: list[Artist]  # what draws it


def series_of(axes: Axes) -> list[Series]:
    """All that has a label in one panel of a figure."""
    return [found for read in (_images, _bars, _steps, _lines) for found in read(axes)]


def label_of(axes: Axes, name: str) -> str:
    """The label of an axis, "x" or "y", or that of another panel where only one has it."""
    figure = axes.get_figure()
    panels = (axes, *(figure.axes if figure else ()))
    labels = (getattr(panel, f"get_{name}label")() for panel in panels)
    return _words(next(filter(None, labels), name))


def units(axis: Axis) -> float:
    """How many of the units of its label make one of an axis's own."""
    from matplotlib.ticker import PercentFormatter

    formatter = axis.get_major_formatter()
    return 100 / formatter.xmax if isinstance(formatter, PercentFormatter) else 1.0


def _words(text: Any) -> str:
    return " ".join(str(text).split())


def _labelled(artists: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for artist in artists:
        label = str(artist.get_label())
        if label and not label.startswith("_"):
            yield label, artist


def _lines(axes: Axes) -> Iterator[Series]:
    from matplotlib.colors import to_hex

    x_name, y_name = label_of(axes, "x"), label_of(axes, "y")
    for label, line in _labelled(axes.lines):
        bands = [band for band in axes.collections if band.get_label() == f"_{label}"]
        names = [text for text in axes.texts if text.get_text() == label]
        x, y = (np.asarray(values, float) for values in line.get_data())
        x, y = units(axes.xaxis) * x, units(axes.yaxis) * y
        columns = {x_name: x, y_name: y}
        for band in bands:
            outline = np.asarray(band.get_paths()[0].vertices)
            columns |= _edges(units(axes.yaxis) * outline[:, 1], len(x))
        look = {"None": "points", "-": "line"}.get(line.get_linestyle(), "dashes")
        artists = [line, *bands, *names]
        yield Series(_words(label), look, to_hex(line.get_color()), columns, x, y_name, artists)


def _edges(heights: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The edges of a band, which is drawn out along one, from its second point, and back."""
    return {
        "5th percentile": heights[1 : count + 1],
        "95th percentile": heights[count + 2 : 2 * count + 2][::-1],
    }


def _steps(axes: Axes) -> Iterator[Series]:
    """Histograms, and values that hold between two edges."""
    from matplotlib.colors import to_hex
    from matplotlib.patches import StepPatch

    x_name, y_name = label_of(axes, "x"), label_of(axes, "y")
    for label, steps in _labelled(p for p in axes.patches if isinstance(p, StepPatch)):
        values, edges, _ = steps.get_data()
        low, high = units(axes.xaxis) * edges[:-1], units(axes.xaxis) * edges[1:]
        middle = np.sqrt(low * high) if axes.get_xscale() == "log" else (low + high) / 2
        columns = {f"{x_name}, from": low, "to": high, y_name: units(axes.yaxis) * values}
        filled = steps.get_fill()
        color = to_hex(steps.get_facecolor() if filled else steps.get_edgecolor())
        look = "bars" if filled else "line"
        yield Series(_words(label), look, color, columns, middle, y_name, [steps])


def _bars(axes: Axes) -> Iterator[Series]:
    """Bars beside the whole numbers to which they belong, such as digits."""
    from matplotlib.colors import to_hex

    x_name, y_name = label_of(axes, "x"), label_of(axes, "y")
    for label, bars in _labelled(axes.containers):
        middles = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars])
        heights = np.array([bar.get_height() for bar in bars])
        color = to_hex(bars[0].get_facecolor())
        columns = {x_name: np.rint(middles), y_name: heights}
        yield Series(_words(label), "bars", color, columns, middles, y_name, [*bars])


def _images(axes: Axes) -> Iterator[Series]:
    for label, image in _labelled(axes.images):
        values = np.asarray(image.get_array())
        row, column = (places.ravel() for places in np.indices(values.shape))
        columns = {"column": column, "row": row, "weight": values.ravel()}
        yield Series(label, "image", "", columns, column, "row", [image])
