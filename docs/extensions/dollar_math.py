"""Mathematics between dollar signs in docstrings, as in the documents: `$x$` and `$$x$$`."""

import re
from textwrap import indent
from typing import Any

BLOCK = re.compile(r"^(?P<margin> *)\$\$(?P<latex>.+?)\$\$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"\$(?P<latex>[^$\n]+)\$")


def to_directives(text: str) -> str:
    """A docstring with its formulas as reStructuredText has them."""
    text = BLOCK.sub(_block, text)
    return INLINE.sub(lambda found: f":math:`{found['latex']}`", text)


def _block(found: re.Match[str]) -> str:
    latex = " ".join(line.strip() for line in found["latex"].splitlines())
    return indent(f".. math::\n\n   {latex}\n", found["margin"])


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""

    def process(
        app: Any, what: str, name: str, obj: object, options: Any, lines: list[str]
    ) -> None:
        lines[:] = to_directives("\n".join(lines)).split("\n")

    app.connect("autodoc-process-docstring", process, priority=900)  # after napoleon
    return {"parallel_read_safe": True}
