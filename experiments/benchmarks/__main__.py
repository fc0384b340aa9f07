"""Measure the speed of the training, and compare it with other libraries.

Exit codes: 0 for success; 2 for a user error or a missing library, with one message on stderr; 130
after Ctrl-C.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import jax
from rich.console import Console
from rich.table import Table
from tyro.conf import FlagCreatePairsOff

from experiments.benchmarks import accuracy, figures, floor, growth, many, process, steps
from experiments.benchmarks.peers import prepare_all
from experiments.benchmarks.targets import targets
from experiments.benchmarks.timing import interleaved
from experiments.benchmarks.work import Work
from experiments.common.command import DONE, exit_code, load, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings, Settings, require_at_least
from mnist_jax import plotting
from mnist_jax.data import Mnist, split
from mnist_jax.errors import UsageError
from mnist_jax.precision import in_precision
from mnist_jax.results import environment, write_json

Part = Literal[
    "peers", "penalties", "stopping", "steps", "growth", "accuracy", "processes", "complete"
]
WITH_PEERS = ("peers", "accuracy")
QUICK_EPOCHS, QUICK_VALUES = 2, 2
NOISE = 0.02
"""Largest difference between the final accuracies of two runs with different orders."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings(CommandSettings):
    """Settings of the benchmarks."""

    output_dir: Path = Path("results/benchmarks")
    """Folder for benchmarks.json and the figures."""

    data_dir: Path | None = None
    """Folder with the four MNIST files; by default they are taken from the cache or downloaded."""

    parts: tuple[Part, ...] = get_args(Part)
    """Parts to measure."""

    repeats: int = 5
    """Number of rounds of interleaved measurements."""

    epochs: int = 50
    """Number of epochs of the compared runs."""

    seeds: int = 1000
    """Number of shuffled runs that stop early."""

    runs: int | None = None
    """Number of complete runs, a multiple of 100; by default 10,000 on an accelerator and 0 on a
    CPU."""

    profile: Path | None = None
    """Folder for a profile of complete runs on an accelerator."""

    quick: Annotated[bool, FlagCreatePairsOff] = False
    """Run a shorter form as a test; its numbers are not meaningful."""

    def check(self) -> "BenchmarkSettings":
        """Validates the settings, and returns them."""
        require_at_least(self, repeats=1, epochs=1, seeds=1)
        if self.runs is not None and (self.runs < 0 or self.runs % 100):
            raise UsageError(f"runs is {self.runs}; give a multiple of 100.")
        missing = [name for name in ("torch", "sklearn") if find_spec(name) is None]
        if missing and {*WITH_PEERS} & {*self.parts}:
            raise UsageError(
                f"{', '.join(missing)} not found: pip install -e '.[bench]', or leave out "
                f"{' and '.join(WITH_PEERS)} with --parts."
            )
        return self

    @property
    def complete(self) -> int:
        """Number of complete runs."""
        if self.runs is not None:
            return self.runs
        return 0 if jax.default_backend() == "cpu" else 10_000


def work(settings: BenchmarkSettings, folder: Path) -> int:
    """Measures, and writes benchmarks.json and the figures."""
    mnist = load(Settings(data_dir=settings.data_dir, quiet=settings.quiet))
    # peers and floors use full precision too, even if the default of the device is lower
    with in_precision("float32"), Progress(quiet=settings.quiet) as progress:
        results: dict[str, Any] = {}
        # written after each part, so that an interruption loses one part only
        for results in measure(settings, mnist, progress):
            write_json(folder / "benchmarks.json", results)
        with plotting.style():
            for name, figure in figures.draw(results).items():
                plotting.save(figure, folder, name)
    if not settings.quiet:
        show(results)
    print(f"written to {folder}")
    return DONE


def measure(
    settings: BenchmarkSettings, mnist: Mnist, progress: Progress
) -> Iterator[dict[str, Any]]:
    """Measures the requested parts; yields the contents of benchmarks.json after each."""
    epochs = QUICK_EPOCHS if settings.quick else settings.epochs
    repeats = 1 if settings.quick else settings.repeats
    seeds = min(settings.seeds, 50) if settings.quick else settings.seeds
    work = Work(split(mnist), epochs)
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "environment": environment() | {"processor": processor()},
        "quick": settings.quick,
    }
    short = work._replace(epochs=max(1, epochs // 10))
    limit = QUICK_VALUES if settings.quick else None
    parts = {
        "peers": lambda: peers(work, repeats, progress),
        "penalties": lambda: many.many_penalties(short, repeats),
        "stopping": lambda: many.stopping_runs(mnist, seeds),
        "steps": lambda: steps.measure(mnist),
        "growth": lambda: growth.measure(mnist, limit, progress),
        "accuracy": lambda: accuracy.measure(work),
        "processes": lambda: process.measure(quick=settings.quick),
        "complete": lambda: many.complete_runs(work, settings.complete, settings.profile),
    }
    bar = progress.bar("benchmarks (parts)", len(settings.parts))
    for number, name in enumerate(settings.parts):
        if name != "complete" or settings.complete:
            results[name] = parts[name]()
        bar(number + 1)
        results["targets"] = [t._asdict() | {"reached": t.reached} for t in targets(results)]
        yield results


def peers(work: Work, repeats: int, progress: Progress) -> dict[str, Any]:
    """Times one run of each library; raises a UsageError if their accuracies differ."""
    prepared, without = prepare_all(work)
    bar = progress.bar("benchmarks: one run of each (calls)", (repeats + 1) * len(prepared))
    times = interleaved(prepared, repeats, bar)
    finals = {name: time.value for name, time in times.items()}
    accuracies = [final.validation_accuracy for final in finals.values()]
    if max(accuracies) - min(accuracies) > NOISE:
        raise UsageError(f"the libraries do not do the same work: {finals}")
    return {
        **work._replace(split=None)._asdict(),  # type: ignore[arg-type]
        "steps": work.steps,
        "evaluations": work.evaluations,
        "times": {n: time.numbers() | {"final": time.value._asdict()} for n, time in times.items()},
        "without": without,
        "floor": floor.measure(work),
    }


def processor() -> str:
    """Returns the name of the processor, or the number of cores if it is unknown."""
    information = Path("/proc/cpuinfo")
    text = information.read_text() if information.is_file() else ""
    name = re.search(r"^model name\s*:(.*)", text, re.MULTILINE)
    return name.group(1).strip() if name else f"{os.cpu_count()} cores"


def show(results: dict[str, Any]) -> None:
    """Prints the targets and the measurements."""
    columns = ("measure", "measured", "target", "")
    table = Table(*columns, title="Benchmarks", title_justify="left")
    for target in results["targets"]:
        lower, upper = target["least"], target["most"]
        bound = f"at most {upper:g}" if lower is None else f"at least {lower:g}"
        verdict = "reached" if target["reached"] else "NOT reached"
        table.add_row(target["measure"], f"{target['value']:.3g} {target['unit']}", bound, verdict)
    Console().print(table)


run = partial(run_command, BenchmarkSettings, "experiments.benchmarks", __doc__, work)

if __name__ == "__main__":
    raise SystemExit(exit_code(run))
