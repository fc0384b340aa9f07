"""The documents that quote measured numbers: `python -m experiments.docs` renders them.

Each `docs/*.md.jinja` gives a `docs/*.md`, and `docs/README.md.jinja` the README. The numbers are
those of `docs/measured/*.json`, the figures those of `docs/figures`.
"""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tyro.conf import FlagCreatePairsOff

from experiments.__main__ import TASKS
from experiments.common import terms
from experiments.common.claims import Verdict
from experiments.common.command import DONE, exit_code
from experiments.common.flags import parse_flags
from experiments.common.words import counted, listed
from experiments.robustness.summary import flip_text, level_text
from experiments.task1_gradients.ledger import counted_lines, readable
from mnist_jax.errors import UsageError
from mnist_jax.files import replacing
from mnist_jax.results import write_json

MEASURED = {
    "claims": "claims.json",
    "ledger": "task1_gradients/ledger.json",
    "checks": "task1_gradients/checks.json",
    "task1_gradients": "task1_gradients/metrics.json",
    "task2_logistic": "task2_logistic/metrics.json",
    "task3_softmax": "task3_softmax/metrics.json",
    "task4_regularization": "task4_regularization/metrics.json",
    "controls": "controls/controls.json",
    "chains": "controls/chains.json",
    "benchmarks": "benchmarks/benchmarks.json",
    "accelerators": "accelerators/accelerators.json",
    "fuzz": "faults/fuzz.json",
    "kills": "faults/kills.json",
    "robustness": "robustness/robustness.json",
    "robustness_declared": "robustness/declared.json",
}
"""What the documents quote: its name in a template, and the file of the results that holds it.

`gpu_claims.json`, `gpu_steps.json` and `gpu_benchmarks.json` are files of these commands on a GPU.
"""

ENVIRONMENT = "task2_logistic/config.json"
"""The file of the results that says where they were measured, for `environment` in a template."""

FIGURES_OF_ROBUSTNESS = (
    *("stopping-step", "stopping-range", "sensitivity", "spike-count", "spike-place", "shuffling"),
    *("too-good", "slight-overfitting", "noise", "accuracy-falls", "norm-inverse"),
    *("batches", "images", "windows", "exponent"),
)
"""Claims, and explanations, that have a figure of the robustness of the claims."""

FIGURES = (
    "task1_gradients/1_errors.svg",
    "task2_logistic/2b_loss.svg",
    "task2_logistic/2d_stopping.svg",
    "task2_logistic/2e_spike_position.svg",
    "task2_logistic/2e_shuffling.svg",
    "task3_softmax/3c_accuracy.svg",
    "task3_softmax/3d_class_shares.svg",
    "task3_softmax/3d_file_order.svg",
    "task3_softmax/3d_selections.svg",
    "task4_regularization/4b_weights.svg",
    "task4_regularization/4c_accuracy.svg",
    "task4_regularization/4e_norm.svg",
    "benchmarks/growth.svg",
    "benchmarks/peers.svg",
    *(f"robustness/robustness_{name}.svg" for name in FIGURES_OF_ROBUSTNESS),
)
"""Figures that the documents show."""

README = "README.md.jinja"


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
    """Renders the documents from the command line; returns the exit code."""
    description = "Render the documents that quote measured numbers."
    settings = parse_flags(DocsSettings, "python -m experiments.docs", description, arguments)
    templates(settings.docs_dir)
    if settings.update:
        update(settings.docs_dir, settings.results_dir)
    for path, text in render(settings.docs_dir).items():
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"written to {path}")
    return DONE


def update(docs: Path, results: Path) -> None:
    """Copies what the documents quote and show from the results, all of which must be there."""
    needed = [*MEASURED.values(), ENVIRONMENT, *FIGURES]
    missing = [str(results / name) for name in needed if not (results / name).is_file()]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} not found. Run `python -m experiments`, `python -m "
            "experiments.controls`, `python -m experiments.derivations`, `python -m "
            "experiments.benchmarks`, `python -m experiments.accelerators`, `python -m "
            "experiments.faults` and `python -m experiments.robustness` first, or name their "
            "folder with --results-dir."
        )
    quoted = {name: read_json(results / file) for name, file in MEASURED.items()}
    quoted["environment"] = read_json(results / ENVIRONMENT)["environment"]
    for folder in ("measured", "figures"):
        (docs / folder).mkdir(exist_ok=True)
    for name, numbers in quoted.items():
        write_json(docs / "measured" / f"{name}.json", numbers)
    for figure in FIGURES:
        with replacing(docs / "figures" / Path(figure).name) as temporary:
            shutil.copyfile(results / figure, temporary)


def render(docs: Path) -> dict[Path, str]:
    """Renders every template of a folder, by the files in which the documents belong.

    In a template, the contents of `measured/name.json` are `name`, and `tasks` are the report's
    experiments by name. A UsageError if the folder has no templates.
    """
    from mnist_jax.gradcheck.tuning import FORMULA

    environment = Environment(
        loader=FileSystemLoader(docs),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["readable"] = readable
    environment.globals.update(
        tasks={task.name: task for task in TASKS},
        about={each.statement.id: each.about for task in TASKS for each in task.claims},
        terms=terms,
        tally=tally,
        counted_lines=counted_lines,
        counted=counted,
        operations=operations(),
        flip_text=flip_text,
        level_text=level_text,
        seconds=FORMULA,
    )
    numbers = {path.stem: read_json(path) for path in sorted((docs / "measured").glob("*.json"))}
    return {
        document(path): environment.get_template(path.name).render(numbers)
        for path in templates(docs)
    }


def operations() -> dict[str, list[str]]:
    """JAX's operations that have a ball arithmetic, by kind."""
    from mnist_jax.gradcheck.arithmetic import factorizations
    from mnist_jax.gradcheck.arithmetic.balls import OPERATIONS
    from mnist_jax.gradcheck.arithmetic.elementwise import SPECIAL
    from mnist_jax.gradcheck.arithmetic.interpreter import FORMS
    from mnist_jax.gradcheck.arithmetic.structure import STRUCTURE

    kinds = {
        "special functions": set(SPECIAL),
        "matrices": {*factorizations.BALLS, "dot_general", "conv_general_dilated"},
        "array structure": set(STRUCTURE),
        "calls and loops": set(FORMS),
    }
    others = set(OPERATIONS).difference(*kinds.values())
    return {kind: sorted(names) for kind, names in {"arithmetic": others, **kinds}.items()}


def document(template: Path) -> Path:
    """The file that a template gives: beside it, but the README above its folder."""
    folder = template.parents[1] if template.name == README else template.parent
    return folder / template.stem


def tally(claims: Sequence[dict[str, Any]]) -> str:
    """How many claims have each verdict.

    Example:
        >>> tally([{"verdict": "refuted"}, {"verdict": "confirmed"}, {"verdict": "refuted"}])
        '1 confirmed and 2 refuted'
    """
    counts = Counter(claim["verdict"] for claim in claims)
    return listed(f"{counts[each]} {each}" for each in Verdict if counts[each])


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
