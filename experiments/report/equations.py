"""The derivations on the page: mathematics that a browser draws."""

import re
from typing import Literal

from latex2mathml.converter import convert
from markupsafe import Markup

TITLES = {
    "1a": "1a: logistic regression",
    "1b": "1b: softmax regression",
    "4a": "4a: the L2 penalty",
}
LOGARITHM = '<mo form="prefix" lspace="0.17em" rspace="0.17em">ln</mo>'
"""With the space around it that a name of several letters needs."""
WIDE = 180
"""Equations of more LaTeX than this are wider than a phone."""


def equation_anchor(number: str) -> str:
    """Name the anchor of an equation.

    Example:
        >>> equation_anchor("18 (reason)")
        'equation-18-reason'
    """
    return "-".join(["equation", *re.findall(r"[\w.]+", number)])


def is_wide(latex: str) -> bool:
    """Whether an equation has to be scrolled sideways on a phone."""
    return len(latex) > WIDE


def mathml(latex: str, display: Literal["block", "inline"] = "block") -> Markup:
    """Convert LaTeX to mathematics that a browser draws."""
    # a row whose last cell is empty would be left out (latex2mathml 3.81)
    filled = re.sub(r"&\s*(?=\\cr|\\end)", "& {} ", latex)
    return Markup(convert(filled, display=display).replace("<mi>ln</mi>", LOGARITHM))
