"""Mathematics as MathML, which browsers draw without a script; as on the report's own page."""

from typing import Any

from docutils import nodes

from experiments.report.equations import is_wide, mathml


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True}


def inline(translator: Any, node: nodes.math) -> None:
    """Writes a formula within a sentence."""
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    """Writes a formula on a line of its own; one that is wide can be scrolled by keyboard too."""
    latex = node.astext()
    scrolled = ' tabindex="0"' if is_wide(latex) else ""
    translator.body.append(f'<div class="formula"{scrolled}>{mathml(latex)}</div>')
    raise nodes.SkipNode
