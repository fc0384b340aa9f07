"""The derivations on the page: each equation as mathematics that a browser draws."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from latex2mathml.converter import convert
from markupsafe import Markup

TITLES = {
    "1a": "1a: logistic regression",
    "1b": "1b: softmax regression",
    "4a": "4a: the L2 penalty",
}
LOGARITHM = '<mo form="prefix" lspace="0.17em" rspace="0.17em">ln</mo>'
"""With the room around it that a name of several letters needs."""
WIDE = 180
"""Equations of more LaTeX than this are wider than a phone."""


class Formula(NamedTuple):
    """A line that is drawn.

    Attributes:
        mathml: As a browser takes it.
        wide: Whether it has to be scrolled sideways.
    """

    mathml: Markup
    wide: bool


class Equation(NamedTuple):
    """An equation on the page; `printed` and `corrected` are None where there is no such line.

    Attributes:
        id: Its anchor.
        row: Its row of the ledger.
        printed: What stands in the report.
        corrected: What should stand there.
    """

    id: str
    row: dict[str, Any]
    printed: Formula | None
    corrected: Formula | None


class Derivation(NamedTuple):
    """The equations of one task."""

    id: str
    title: str
    equations: list[Equation]


def derivations(rows: Sequence[dict[str, Any]]) -> list[Derivation]:
    """The derivations, task by task.

    Args:
        rows: Rows of the ledger, as `experiments.task1_gradients.ledger.ledger_rows` gives them.

    Returns:
        The tasks, in the report's order.
    """
    tasks = dict.fromkeys(row["task"] for row in rows)
    return [
        Derivation(f"derivation-{task}", TITLES[task], list(equations(rows, task)))
        for task in tasks
    ]


def equations(rows: Sequence[dict[str, Any]], task: str) -> Iterable[Equation]:
    """The equations of a task."""
    for row in rows:
        if row["task"] == task:
            yield Equation(
                anchor(row["number"]), row, formula(row["latex"]), formula(row["corrected_latex"])
            )


def anchor(number: str) -> str:
    """The anchor of an equation.

    Args:
        number: As in the ledger.

    Returns:
        An id.

    Example:
        >>> anchor("18 (reason)")
        'equation-18-reason'
    """
    return "-".join(["equation", *re.findall(r"[\w.]+", number)])


def formula(latex: str | None) -> Formula | None:
    """An equation drawn by the browser; None for none."""
    if latex is None:
        return None
    return Formula(mathml(latex, "block"), wide=len(latex) > WIDE)


def mathml(latex: str, display: Literal["block", "inline"]) -> Markup:
    """Mathematics as a browser draws it.

    Args:
        latex: What to draw.
        display: On a line of its own, or within one.

    Returns:
        A `math` element.
    """
    # a row whose last cell is empty would be left out (latex2mathml 3.81)
    filled = re.sub(r"&\s*(?=\\cr|\\end)", "& {} ", latex)
    return Markup(convert(filled, display=display).replace("<mi>ln</mi>", LOGARITHM))
