"""What an experiment is, what it gives, and how that is written to its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from experiments.common.captions import Caption
from experiments.common.claims import Claim
from experiments.common.progress import Progress
from experiments.common.settings import Settings
from mnist_jax import plotting, results
from mnist_jax.data import Mnist
from mnist_jax.training import Outcome, TrainingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

S = TypeVar("S", bound=Settings)
KEPT = "files of finished experiments are kept; run the same command again for the rest"


class Table(NamedTuple):
    """Rows for a CSV file."""

    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What an experiment gives.

    Attributes:
        metrics: Contents of metrics.json.
        tables: File name without ending to table, `history` among them.
        draw: Draws the figures, once the numbers are written; file name without ending to figure.
        summary: Closing table, (what, value).
        diverged: A line for each run that diverged.
        documents: File name without ending to other contents of a JSON file.
        listings: Title to a table that is printed before the closing one.
        arrays: File name without ending to arrays that are written together, as .npz.
    """

    metrics: Mapping[str, Any]
    tables: Mapping[str, Table]
    draw: Callable[[], Mapping[str, Figure]]
    summary: list[tuple[str, str]]
    diverged: list[str]
    documents: Mapping[str, Any] = field(default_factory=dict)
    listings: Mapping[str, Table] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Task(Generic[S]):
    """An experiment.

    Attributes:
        name: Name of its module and of its folder.
        title: What it is about.
        settings: Dataclass of its flags.
        measure: (settings, data, where to show progress) to what it gives; raises a UsageError
            if the settings can't be done with the data.
        claims: Claims of the report that its metrics judge.
        captions: Figure to its caption, in the order of the page.
        meaning: What the numbers mean in the report's own setting.
        sometimes: Figures, tables and arrays that some settings do without.
        kept: Message about the files that Ctrl-C leaves.
        prepare: Called before the data are loaded: joins other processes, or raises a UsageError
            if the output folder is not one to go on in.
    """

    name: str
    title: str
    settings: type[S]
    measure: Callable[[S, Mnist, Progress], TaskResult]
    claims: tuple[Claim, ...] = ()
    captions: Mapping[str, Caption] = field(default_factory=dict)
    meaning: str = ""
    sometimes: tuple[str, ...] = ()
    kept: str = KEPT
    prepare: Callable[[S], None] = lambda settings: None


def write(
    task: Task[Any], result: TaskResult, settings: Settings, mnist: Mnist, folder: Path
) -> Mapping[str, Figure]:
    """Write metrics.json, config.json and the like, tables as CSV, figures as PNG and SVG.

    Numbers come first, so that they are kept if the disk is full before the figures are written.
    Files of an earlier run that this one does without are removed.

    Args:
        task: The experiment.
        result: What it gave.
        settings: What it was run with.
        mnist: Data, for its source.
        folder: An existing folder.

    Returns:
        The figures that were drawn.
    """
    for name in {*task.sometimes} - {*result.tables, *result.arrays}:
        for ending in ("csv", "png", "svg", "npz"):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)
    documents = {"metrics": result.metrics, "config": config(settings, mnist)}
    for name, document in {**documents, **result.documents}.items():
        results.write_json(folder / f"{name}.json", document)
    for name, table in result.tables.items():
        results.write_csv(folder / f"{name}.csv", table.header, table.rows)
    for name, arrays in result.arrays.items():
        results.write_arrays(folder / f"{name}.npz", arrays)
    with plotting.style():
        figures = result.draw()
        for name, figure in figures.items():
            plotting.save(figure, folder, name)
    return figures


def config(settings: Settings, mnist: Mnist) -> dict[str, Any]:
    """Settings, data and environment of an experiment, the contents of config.json."""
    data = {"set": mnist.data_set, "source": mnist.source, "sha256": mnist.sha256}
    return {"settings": asdict(settings), "data": data, "environment": results.environment()}


def divergences(runs: Mapping[str, TrainingResult | np.recarray]) -> list[str]:
    """Name the runs that diverged, a line for each name.

    Args:
        runs: Names to results, or to tables of many runs.

    Returns:
        The lines.
    """
    lines = []
    for name, result in runs.items():
        steps = np.sort(result.last_step[result.outcome == Outcome.DIVERGED], axis=None)
        if result.outcome.size == 1 and len(steps):
            lines.append(f"{name}: {Outcome.DIVERGED.message(int(steps[0]))}")
        elif len(steps):
            count = f"{len(steps)} of {result.outcome.size} runs"
            lines.append(f"{name}: {count} diverged, the first at step {steps[0]}")
    return lines


def history_table(runs: Mapping[str, TrainingResult]) -> Table:
    """The histories of several single runs, one after the other."""
    rows = (row for name, run in runs.items() for row in results.history_rows(name, run))
    return Table(results.HISTORY_HEADER, rows)
