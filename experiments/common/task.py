"""Experiments, their results, and the files that they write."""

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
T = TypeVar("T")
INTERRUPTION_MESSAGE = (
    "files of finished experiments are kept; run the same command again for the rest"
)


class Table(NamedTuple):
    """Table of a CSV file."""

    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """Results of an experiment."""

    metrics: Mapping[str, Any]  # contents of metrics.json
    tables: Mapping[str, Table]  # tables by file name without extension, including `history`
    # function that returns the figures by file name, called after the numbers are written
    draw: Callable[[], Mapping[str, Figure]]
    summary: list[tuple[str, str]]  # rows (name, value) of the summary
    diverged: list[str]  # messages about diverged runs
    # contents of other JSON files by file name without extension
    documents: Mapping[str, Any] = field(default_factory=dict)
    # tables by title that are printed before the summary
    listings: Mapping[str, Table] = field(default_factory=dict)
    # contents of .npz files by file name without extension
    arrays: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Task(Generic[S]):
    """An experiment."""

    name: str  # name of the module and of the output folder
    title: str  # title of the experiment
    settings: type[S]  # dataclass of the flags
    # function of settings, data and progress display that returns the results; raises a UsageError
    # if the settings do not fit the data
    measure: Callable[[S, Mnist, Progress], TaskResult]
    claims: tuple[Claim, ...] = ()  # claims of the report that the metrics judge
    # captions by figure, in the order of the page
    captions: Mapping[str, Caption] = field(default_factory=dict)
    meaning: str = ""  # meaning of the numbers in the report's own setting
    # figures, tables and arrays that some settings do not produce
    optional_files: tuple[str, ...] = ()
    # message about the files that an interruption leaves
    interruption_message: str = INTERRUPTION_MESSAGE
    # function called before the data are loaded; joins other processes, or raises a UsageError if
    # the output folder cannot be used
    prepare: Callable[[S], None] = lambda settings: None


def write(
    task: Task[Any],
    result: TaskResult,
    settings: Settings,
    mnist: Mnist,
    folder: Path,
    save: Callable[[Figure, Path, str], T],
) -> dict[str, T]:
    """Writes the results: JSON documents, tables as CSV, figures as PNG and SVG.

    The figures are written last, so that a full disk does not cost the numbers. Optional files of
    an earlier run that this run does not produce are removed.

    Args:
        task: The experiment.
        result: Its results.
        settings: Settings with which it was run.
        mnist: The data set.
        folder: Existing folder.
        save: Function that writes a figure to a folder under a name, such as `plotting.save`.

    Returns:
        What `save` returns for each figure.
    """
    for name in {*task.optional_files} - {*result.tables, *result.arrays}:
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
        return {name: save(figure, folder, name) for name, figure in result.draw().items()}


def config(settings: Settings, mnist: Mnist) -> dict[str, Any]:
    """Returns the contents of config.json: settings, data and environment."""
    data = {"set": mnist.data_set, "source": mnist.source, "sha256": mnist.sha256}
    return {"settings": asdict(settings), "data": data, "environment": results.environment()}


def divergences(runs: Mapping[str, TrainingResult | np.recarray]) -> list[str]:
    """Returns a message for each result, or table of many runs, that contains diverged runs."""
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
    """Returns the histories of several single runs as one table."""
    rows = (row for name, run in runs.items() for row in results.history_rows(name, run))
    return Table(results.HISTORY_HEADER, rows)
