"""What the site's own extensions do, as far as it can be told without Sphinx."""

import re
import sys
from pathlib import Path

import pytest

import mnist_jax

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def extensions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(DOCS / "extensions")
    yield
    for name in ("dollar_math", "public_names"):
        sys.modules.pop(name, None)


def test_public_is_what_a_package_lists_and_what_a_module_defines():
    from public_names import public_names  # type: ignore[import-not-found]

    names = set(public_names())
    assert {
        "mnist_jax.training.fit",
        "mnist_jax.losses.l2_penalty",
        "mnist_jax.models.softmax",
    } < names
    assert "mnist_jax.models.features" not in names  # imported there
    assert not [name for name in names if name.rpartition(".")[2].startswith("_")]


def test_every_public_module_has_a_page():
    pages = {path.stem for path in (DOCS / "api").glob("*.md")}
    assert set(mnist_jax.__all__) <= pages
    index = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    assert all(re.search(rf"^{page}$", index, re.MULTILINE) for page in pages - {"index"})


def test_a_public_name_that_is_not_documented_is_missed():
    from public_names import missing  # type: ignore[import-not-found]

    everything = {*missing(documented=())}
    assert missing(everything) == []
    assert missing(everything - {"mnist_jax.training.fit"}) == ["mnist_jax.training.fit"]


def test_formulas_in_docstrings_become_directives():
    from dollar_math import to_directives  # type: ignore[import-not-found]

    assert to_directives("One $x_i$ here.") == "One :math:`x_i` here."
    block = "Above.\n\n    $$a\n    + b$$\n\nBelow."
    assert to_directives(block) == "Above.\n\n    .. math::\n\n       a + b\n\n\nBelow."


def test_every_module_that_the_layout_names_exists():
    text = (DOCS / "development.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)
    modules = re.findall(r"`([\w.]+\*?)`", " ".join(named))
    assert len(modules) > 20
    for module in modules:
        assert [*DOCS.parent.glob(module.replace(".", "/") + ".py")] or (
            DOCS.parent / module.replace(".", "/") / "__init__.py"
        ).is_file()
