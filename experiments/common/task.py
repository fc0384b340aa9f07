"""What an experiment gives, and how it is written to its folder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from matplotlib.figure import Figure

from experiments.common.progress import Progress
from experiments.common.settings import Settings
from mnist_jax import plotting, results
from mnist_jax.data import Mnist
from mnist_jax.training import Outcome, TrainingResult

S = TypeVar("S", bound=Settings)
KEPT = "files of finished experiments are kept; run the same command again for the rest"


class Table(NamedTuple):
    """Rows for a CSV file."""

    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


class TaskResult(NamedTuple):
    """What an experiment gives.

    Attributes:
        metrics: For metrics.json.
        tables: File name without ending to table, `history` among them.
        figures: File name without ending to figure.
        summary: The closing table, (what, value).
        diverged: A line for each run that diverged.
        documents: File name without ending to what else is written as JSON.
        listings: Title to a table that is printed before the closing one.
        arrays: File name without ending to arrays that are written together, as .npz.
    """

    metrics: dict[str, Any]
    tables: dict[str, Table]
    figures: dict[str, Figure]
    summary: list[tuple[str, str]]
    diverged: list[str]
    documents: Mapping[str, Any] = {}
    listings: Mapping[str, Table] = {}
    arrays: Mapping[str, Mapping[str, np.ndarray]] = {}


class Task(NamedTuple, Generic[S]):
    """An experiment.

    Attributes:
        name: Name of its module and of its folder.
        title: What it is about.
        settings: The dataclass of its flags.
        measure: (settings, data, where to show progress) to what it gives; raises a UsageError
            if the settings can't be done with the data.
        sometimes: Figures, tables and arrays that some settings do without.
        kept: What is said of what Ctrl-C leaves.
        prepare: Done before the data are loaded: joins other processes, or raises a UsageError if
            the output folder is not one to go on in.
    """

    name: str
    title: str
    settings: type[S]
    measure: Callable[[S, Mnist, Progress], TaskResult]
    sometimes: tuple[str, ...] = ()
    kept: str = KEPT
    prepare: Callable[[S], None] = lambda settings: None


def write(
    chosen: Task[Any], result: TaskResult, settings: Settings, mnist: Mnist, folder: Path
) -> None:
    """Writes metrics.json, config.json and the like, the tables as CSV, figures as PNG and SVG.

    Numbers come first, so that they are kept if the disk is full before the figures are written.
    What an earlier run left there and this one does without is removed.

    Args:
        chosen: The experiment.
        result: What the experiment gave.
        settings: What it was run with.
        mnist: The data, for its source.
        folder: An existing folder.
    """
    for name in {*chosen.sometimes} - {*result.tables, *result.figures, *result.arrays}:
        for ending in ("csv", "png", "svg", "npz"):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)
    results.write_json(folder / "metrics.json", result.metrics)
    results.write_json(folder / "config.json", config(settings, mnist))
    for name, document in result.documents.items():
        results.write_json(folder / f"{name}.json", document)
    for name, table in result.tables.items():
        results.write_csv(folder / f"{name}.csv", table.header, table.rows)
    for name, arrays in result.arrays.items():
        results.write_arrays(folder / f"{name}.npz", arrays)
    with plotting.style():
        for name, figure in result.figures.items():
            plotting.save(figure, folder, name)


def config(settings: Settings, mnist: Mnist) -> dict[str, Any]:
    """The settings, the data and the environment of an experiment."""
    return {
        "settings": asdict(settings),
        "data": {
            "set": mnist.data_set,
            "source": mnist.source,
            "sha256": mnist.sha256,
        },
        "environment": results.environment(),
    }


def divergences(runs: Mapping[str, TrainingResult | np.recarray]) -> list[str]:
    """A line for each name whose run, or some of whose runs, diverged.

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


def history_table(runs: dict[str, TrainingResult]) -> Table:
    """The histories of several single runs, one after the other."""
    rows = (row for name, run in runs.items() for row in results.history_rows(name, run))
    return Table(results.HISTORY_HEADER, rows)
