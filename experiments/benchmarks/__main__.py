"""How fast it is, against what a person would use instead.

Exit codes: 0 done; 2 wrong use or a library that is missing, one message on stderr; 130
interrupted.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import jax
from rich.console import Console
from rich.table import Table
from tyro.conf import FlagCreatePairsOff

from experiments.benchmarks import figures, floor, growth, many, process, steps
from experiments.benchmarks.targets import targets
from experiments.benchmarks.timing import interleaved
from experiments.benchmarks.work import Work
from experiments.common.command import DONE, announce, exit_code, load
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from experiments.common.settings import Settings
from mnist_jax import plotting
from mnist_jax.data import Mnist, split
from mnist_jax.errors import UsageError
from mnist_jax.precision import in_precision
from mnist_jax.results import environment, output_folder, write_json

Part = Literal[
    "peers", "penalties", "stopping", "steps", "growth", "accuracy", "processes", "complete"
]
WITH_PEERS = ("peers", "accuracy")
QUICK_EPOCHS, QUICK_VALUES = 2, 2
NOISE = 0.02
"""How far the final accuracies of two runs with other orders may be apart."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What is measured, and how often."""

    data_dir: Path | None = None
    """Folder with the four MNIST files; without it the cache, then a download."""

    output_dir: Path = Path("results/benchmarks")
    """Folder for benchmarks.json and the figures."""

    parts: tuple[Part, ...] = get_args(Part)
    """What to measure."""

    repeats: int = 5
    """Rounds of what is measured side by side."""

    epochs: int = 50
    """Number of epochs of the runs that are compared."""

    seeds: int = 1000
    """Shuffled runs that stop early."""

    runs: int | None = None
    """Complete runs, a multiple of 100; by default 10,000 on an accelerator and none on a CPU."""

    profile: Path | None = None
    """Folder for a profile of complete runs on an accelerator."""

    quick: Annotated[bool, FlagCreatePairsOff] = False
    """A shorter form, to see that it works; its numbers mean little."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress and no tables, only where the files are and what went wrong."""

    def check(self) -> "BenchmarkSettings":
        """The settings, or a UsageError for what is wrong with them."""
        for name in ("repeats", "epochs", "seeds"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; give 1 or more.")
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
        """How many complete runs."""
        if self.runs is not None:
            return self.runs
        return 0 if jax.default_backend() == "cpu" else 10_000


def run(arguments: Sequence[str] | None = None) -> int:
    """Measures, and writes what was found.

    Args:
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """
    program = "python -m experiments.benchmarks"
    settings = parse_flags(BenchmarkSettings, program, __doc__ or "", arguments).check()
    # peers and floors compute in full precision too, where the device's default is less
    with output_folder(settings.output_dir) as folder, in_precision("float32"):
        announce(folder, quiet=settings.quiet)
        mnist = load(Settings(data_dir=settings.data_dir, quiet=settings.quiet))
        with Progress(quiet=settings.quiet) as progress:
            found = measure(settings, mnist, progress)
            write_json(folder / "benchmarks.json", found)
            with plotting.style():
                for name, figure in figures.draw(found).items():
                    plotting.save(figure, folder, name)
    if not settings.quiet:
        show(found)
    print(f"written to {folder}")
    return DONE


def measure(settings: BenchmarkSettings, mnist: Mnist, progress: Progress) -> dict[str, Any]:
    """Everything that was asked for, for benchmarks.json."""
    epochs = QUICK_EPOCHS if settings.quick else settings.epochs
    repeats = 1 if settings.quick else settings.repeats
    seeds = min(settings.seeds, 50) if settings.quick else settings.seeds
    work = Work(split(mnist), epochs)
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "environment": environment() | {"processor": processor()},
        "quick": settings.quick,
    }
    short = work._replace(epochs=max(1, epochs // 10))
    parts = {
        "peers": lambda: peers(work, repeats, progress),
        "penalties": lambda: many.many_penalties(short, repeats),
        "stopping": lambda: many.stopping_runs(mnist, seeds),
        "steps": lambda: steps.measure(mnist),
        "growth": lambda: grown(mnist, settings.quick, progress),
        "accuracy": lambda: accuracy(work),
        "processes": lambda: processes(settings.quick),
        "complete": lambda: many.complete_runs(work, settings.complete, settings.profile),
    }
    bar = progress.bar("benchmarks (parts)", len(settings.parts))
    for number, name in enumerate(settings.parts):
        if name != "complete" or settings.complete:
            found[name] = parts[name]()
        bar(number + 1)
    found["targets"] = [target.numbers() for target in targets(found)]
    return found


def peers(work: Work, repeats: int, progress: Progress) -> dict[str, Any]:
    """One run of each library, in turn; a UsageError if they do not do the same."""
    from experiments.benchmarks.peers import prepare_all

    prepared, without = prepare_all(work)
    bar = progress.bar("benchmarks: one run of each (calls)", (repeats + 1) * len(prepared))
    times = interleaved(prepared, repeats, bar)
    finals = {name: each.value for name, each in times.items()}
    accuracies = [final.validation_accuracy for final in finals.values()]
    if max(accuracies) - min(accuracies) > NOISE:
        raise UsageError(f"the libraries do not do the same work: {finals}")
    return {
        **work._replace(split=None)._asdict(),  # type: ignore[arg-type]
        "steps": work.steps,
        "evaluations": work.evaluations,
        "times": {
            name: each.numbers() | {"final": each.value._asdict()} for name, each in times.items()
        },
        "without": without,
        "floor": floor.measure(work),
    }


def grown(mnist: Mnist, quick: bool, progress: Progress) -> dict[str, Any]:
    """How the time grows."""
    few = QUICK_VALUES if quick else None
    bar = progress.bar("benchmarks: growth (values)", growth.count(few))
    return growth.measure(mnist, few, bar)


def accuracy(work: Work) -> dict[str, Any]:
    """Time to an accuracy, against scikit-learn."""
    from experiments.benchmarks import accuracy

    return accuracy.measure(work)


def processes(quick: bool) -> dict[str, Any]:
    """Whole processes."""
    return {
        "import": process.import_seconds(repeats=1 if quick else 5),
        "experiments": process.all_experiments(["--quick"] if quick else []),
    }


def processor() -> str:
    """The name of the processor, where the system tells it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else f"{os.cpu_count()} cores"


def show(found: dict[str, Any]) -> None:
    """Prints what was to be reached and what was."""
    table = Table(title="Benchmarks", title_justify="left")
    for column in ("measure", "measured", "to be", ""):
        table.add_column(column)
    for target in found["targets"]:
        least, most = target["least"], target["most"]
        bound = f"at most {most:g}" if least is None else f"at least {least:g}"
        verdict = "reached" if target["reached"] else "NOT reached"
        table.add_row(target["measure"], f"{target['value']:.3g} {target['unit']}", bound, verdict)
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
