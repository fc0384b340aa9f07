"""How the project is cited, from CITATION.cff."""

import re
from pathlib import Path

FILE = Path(__file__).parents[2] / "CITATION.cff"
FIELDS = ("title", "version", "date-released", "license", "repository-code")


def citation() -> dict[str, str]:
    """Read the fields that the page shows; empty where the file has none.

    Returns:
        Names as in the file to values; `author` is the first author's name, `repository` the
        project's.
    """
    text = FILE.read_text(encoding="utf-8")
    found = {name: _field(name, text) for name in FIELDS}
    repository = found["title"].partition(":")[0]
    return {**found, "author": _field("  - name", text), "repository": repository}


def _field(name: str, text: str) -> str:
    match = re.search(rf'^{re.escape(name)}: "?(.*?)"?$', text, re.MULTILINE)
    return match[1] if match else ""
