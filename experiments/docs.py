"""The documents that quote measured numbers: `python -m experiments.docs` renders them.

Each `docs/*.md.jinja` gives a `docs/*.md`; the numbers are those of `docs/measured/*.json`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tyro.conf import FlagCreatePairsOff

from experiments.command import DONE, exit_code
from experiments.metrics.ledger import readable
from mnist_jax.errors import UsageError
from mnist_jax.results import replacing, write_json

MEASURED = (
    "task1_gradients/ledger.json",
    "task1_gradients/checks.json",
    "controls/controls.json",
)
"""Files of the experiments' results that the documents quote."""


@dataclass(frozen=True, kw_only=True)
class DocsSettings:
    """Where the documents are, and where their numbers come from."""

    docs_dir: Path = Path("docs")
    """Folder of the templates and of what is rendered from them."""

    update: Annotated[bool, FlagCreatePairsOff] = False
    """First take the numbers from the results of the last run."""

    results_dir: Path = Path("results")
    """Folder that the experiments wrote to; read only with --update."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Renders the documents.

    Args:
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """
    settings = tyro.cli(
        DocsSettings, prog="python -m experiments.docs", description=__doc__, args=arguments
    )
    templates(settings.docs_dir)
    if settings.update:
        update(settings.docs_dir / "measured", settings.results_dir)
    for path, text in render(settings.docs_dir).items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"written to {path}")
    return DONE


def update(measured: Path, results: Path) -> None:
    """Copies what the documents quote from the results.

    Args:
        measured: Folder of the copies.
        results: Folder of the results, with one folder for each task.

    Raises:
        UsageError: If a file of the results is missing.
    """
    missing = [str(results / name) for name in MEASURED if not (results / name).is_file()]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} not found. Run `python -m experiments` and "
            "`python -m experiments.controls` first, or name their folder with --results-dir."
        )
    measured.mkdir(exist_ok=True)
    for name in MEASURED:
        write_json(measured / Path(name).name, read_json(results / name))


def render(docs: Path) -> dict[Path, str]:
    """Renders every template of a folder.

    Args:
        docs: The folder, with its numbers in `measured`.

    Returns:
        The documents, by the files in which they belong. In a template, the contents of
        `measured/name.json` are `name`.

    Raises:
        UsageError: If the folder has no templates.
    """
    environment = Environment(
        loader=FileSystemLoader(docs),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["readable"] = readable
    numbers = {path.stem: read_json(path) for path in sorted((docs / "measured").glob("*.json"))}
    return {
        path.with_suffix(""): environment.get_template(path.name).render(numbers)
        for path in templates(docs)
    }


def templates(docs: Path) -> list[Path]:
    """The templates of a folder; a UsageError if it has none."""
    found = sorted(docs.glob("*.md.jinja"))
    if not found:
        raise UsageError(f"{docs} has no *.md.jinja to render; name another with --docs-dir.")
    return found


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
