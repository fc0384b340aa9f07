"""Style of the figures, and drawing functions that several figures share.

Figures do not use pyplot, so there is no global state and no window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from mnist_jax.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def style() -> Any:
    """Returns a context manager with the style, in which figures are drawn and saved.

    Example:
        >>> with style():
        ...     figure, _ = new_figure(1, 2)
    """
    import matplotlib.style

    with as_file(files("mnist_jax") / "style.mplstyle") as path:
        return matplotlib.style.context(path)


def new_figure(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float] | None = None, **kwargs: Any
) -> tuple[Figure, np.ndarray]:
    """Returns a figure and its axes, always as an array (rows, columns).

    Args:
        rows: Number of rows of axes.
        columns: Number of columns of axes.
        size: Width and height in inches; None for those of the style.
        **kwargs: Arguments of `Figure.subplots`, such as `sharey`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def band(
    axes: Axes,
    x: Float[np.ndarray, " points"],
    samples: Float[np.ndarray, "samples points"],
    *,
    label: str,
    color: str,
    middle: Callable[..., np.ndarray] = np.nanmedian,
) -> None:
    """Draws a line through the middle of samples, and the band that holds 90 % of them.

    Args:
        axes: Axes to draw on.
        x: Positions of the points.
        samples: Samples, one per row.
        label: Label of the line.
        color: Color of line and band.
        middle: Function from samples and axis to the line, such as `np.mean`.
    """
    measured = np.isfinite(samples).any(axis=0)
    x, samples = x[measured], samples[:, measured]
    low, high = np.nanquantile(samples, (0.05, 0.95), axis=0)
    name = f"_{label}"  # of no entry in the legend, yet found by its line's name
    axes.fill_between(x, low, high, color=color, alpha=0.25, linewidth=0, label=name)
    axes.plot(x, middle(samples, axis=0), color=color, label=label)


def mark(axes: Axes, x: float, text: str, *, color: str = "black", height: float = 0.97) -> None:
    """Draws a dashed vertical line with a label on its right.

    Args:
        axes: Axes to draw on.
        x: Position in data units.
        text: Label of the line.
        color: Color of line and label.
        height: Upper edge of the label, as a fraction of the height of the axes.
    """
    axes.axvline(x, color=color, linestyle="--", linewidth=1)
    axes.annotate(
        text,
        (x, height),
        xycoords=("data", "axes fraction"),
        xytext=(4, 0),
        textcoords="offset points",
        va="top",
        color=color,
        fontsize="small",
    )


def percent_axis(
    axes: Axes, label: str = "accuracy (%)", *, which: Literal["x", "y"] = "y"
) -> None:
    """Labels an axis of fractions in percent."""
    from matplotlib.ticker import PercentFormatter

    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))
    axis.set_label_text(label)


def label_ends(axes: Axes, *, gap: float = 0.06) -> None:
    """Writes the label of each line at its end, instead of a legend.

    Args:
        axes: Axes with labelled lines and final limits.
        gap: Smallest distance between two labels, as a fraction of the height of the axes.
    """
    low, high = axes.get_ylim()
    ends = [(float(np.asarray(line.get_ydata())[-1]), line) for line in axes.get_lines()]
    free = -np.inf
    for value, line in sorted(ends, key=lambda end: end[0]):
        height = max((value - low) / (high - low), free)
        free = height + gap
        axes.annotate(
            str(line.get_label()),
            (1.0, height),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            color=line.get_color(),
            va="center",
            annotation_clip=False,
        )


def weight_images(
    axes: Sequence[Axes],
    weights: Float[np.ndarray, "K I"],
    *,
    label: str = "weights",
    limit: float | None = None,
) -> Any:
    """Draws the weights of each class as a 28 x 28 image, without the bias.

    Args:
        axes: Axes, one for each class.
        weights: Class-major weights with the bias last.
        label: Name of the weights.
        limit: Absolute value of the most saturated colour; None for the largest weight.

    Returns:
        The last image, for a colour bar.
    """
    pixels = weights[:, :-1]
    limit = limit or float(np.abs(pixels).max()) or 1.0
    image = None
    for digit, (ax, row) in enumerate(zip(axes, pixels, strict=True)):
        image = ax.imshow(row.reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
        image.set_label(f"{label}, digit {digit}")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
    return image


@contextmanager
def laid_out(figure: Figure) -> Iterator[None]:
    """Lays a figure out once, for all that is saved within.

    With a layout engine, each saving would lay it out again and draw it twice.
    """
    import matplotlib as mpl

    if engine := figure.get_layout_engine():
        engine.execute(figure)
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
        yield
    figure.set_layout_engine(engine)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Writes a figure as PNG and SVG to an existing folder, reproducibly.

    Args:
        figure: Figure to write.
        folder: Existing folder.
        name: File name without extension.
    """
    with laid_out(figure):
        for extension, metadata in (("png", {}), ("svg", {"Date": None})):
            with replacing(folder / f"{name}.{extension}") as temporary:
                figure.savefig(temporary, format=extension, metadata=metadata)
