"""Command line of an experiment: flags in, exit code out.

Exit codes: 0 for success; 2 for a user error, with one message on stderr; 3 if a run diverged,
after all files are written; 130 after Ctrl-C; 143 after SIGTERM.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC, EPIPE
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import jax
from rich.console import Console
from rich.table import Table as RichTable

from experiments.common import task
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings, Settings
from experiments.common.signals import Terminated, terminable
from experiments.common.task import INTERRUPTION_MESSAGE, S, T, Task, TaskResult
from mnist_jax import data, plotting
from mnist_jax.errors import UsageError
from mnist_jax.results import output_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

C = TypeVar("C", bound=CommandSettings)

TASK_FILES = ("config.json", "claims.json")
"""Files that every run of a task, or of all tasks, writes to its folder."""
WRITE_ERRORS = (ENOSPC, EDQUOT, EFBIG, EPIPE)
"""Error numbers for output that cannot be written, such as a full disk."""
DONE, USER_ERROR, DIVERGED, INTERRUPTED, TERMINATED = 0, 2, 3, 130, 143


def run_task(chosen: Task[S], arguments: Sequence[str] | None = None) -> int:
    """Runs one experiment from its command line; returns the exit code."""

    def work() -> int:
        settings = parse(chosen.settings, f"experiments.{chosen.name}", chosen.title, arguments)
        with output_folder(settings.output_dir) as folder:
            chosen.prepare(settings)
            require_device()
            mnist = load(settings)
            announce(folder, quiet=settings.quiet)
            result, _ = measure(chosen, settings, mnist, folder, plotting.save)
        return report_divergence({chosen.name: result}, folder)

    return exit_code(work, chosen.interruption_message)


def measure(
    chosen: Task[Any],
    settings: Any,
    mnist: data.Mnist,
    folder: Path,
    save: Callable[["Figure", Path, str], T],
) -> tuple[TaskResult, dict[str, T]]:
    """Runs a task on data that are loaded, writes its folder, and prints its summary."""
    # after loading, because Ctrl-C should end a download at once
    with Progress(quiet=settings.quiet) as progress:
        result = chosen.measure(settings, mnist, progress)
        saved = task.write(chosen, result, settings, mnist, folder, save)
    show(chosen.title, result, folder, quiet=settings.quiet)
    return result, saved


def run_command(
    settings: type[C],
    module: str,
    description: str | None,
    work: Callable[[C, Path], int],
    arguments: Sequence[str] | None = None,
) -> int:
    """Runs a command that is not a task: parses and validates its flags, and opens its folder.

    Args:
        settings: Dataclass of its flags.
        module: Name of its module.
        description: Description for `--help`.
        work: Function of the settings and the output folder that returns the exit code.
        arguments: Command-line flags; None for those of the process.

    Returns:
        The exit code.
    """
    parsed = parse_flags(settings, f"python -m {module}", description or "", arguments).check()
    with output_folder(parsed.output_dir) as folder:
        return work(parsed, folder)


def parse(settings: type[S], module: str, title: str, arguments: Sequence[str] | None) -> S:
    """Parses and validates the settings of a task; `--quick` shortens them.

    Raises:
        SystemExit: With code 2 and a message if a flag is invalid; with code 0 after --help.
        UsageError: If a value is out of range.
    """
    return parse_flags(settings, f"python -m {module}", title, arguments).check().shortened()


def announce(folder: Path, *, quiet: bool) -> None:
    """Warns on stderr that files of an earlier run will be overwritten, if there are any."""
    if any((folder / name).exists() for name in TASK_FILES) and not quiet:
        print(
            f"{folder} holds files of an earlier run: those of the same names are overwritten at "
            "the end",
            file=sys.stderr,
        )


def require_device() -> None:
    """Starts JAX; raises a UsageError if it finds no device."""
    if reason := no_device():
        raise UsageError(reason)


def no_device() -> str | None:
    """Returns the reason why JAX cannot start; None if it starts."""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # an empty assertion if CUDA finds no GPU
        platforms = os.environ.get("JAX_PLATFORMS")
        remedy = (
            f" JAX_PLATFORMS is {platforms!r}: unset it, or set it to cpu." if platforms else ""
        )
        return f"JAX can't start: {str(error) or 'it finds no such device'}.{remedy}"
    return None


def load(settings: Settings) -> data.Mnist:
    """Loads the data set of the settings, and reports each source on stderr."""
    return data.load(
        settings.data_dir,
        data_set=settings.data_set,
        source=settings.data_source,
        report=lambda line: None if settings.quiet else print(line, file=sys.stderr),
    )


def show(title: str, result: TaskResult, folder: Path, *, quiet: bool = False) -> None:
    """Prints the listings and the summary of a result, and the location of its files."""
    console = Console(quiet=quiet)
    for name, (header, rows) in result.listings.items():
        listing = RichTable(*header, title=name, title_justify="left")
        for row in rows:
            listing.add_row(*row)
        console.print(listing)
    summary = RichTable(title=title, title_justify="left", show_header=False)
    for name, value in result.summary:
        summary.add_row(name, value)
    console.print(summary)
    print(f"written to {folder}")


def report_divergence(tasks: dict[str, TaskResult], folder: Path) -> int:
    """Reports diverged runs on stderr; returns the exit code, 3 if there are any."""
    lines = [f"{name}: {line}" for name, result in tasks.items() for line in result.diverged]
    for line in lines:
        print(
            f"{line}; what was measured up to there is in {folder}. "
            "Give a lower --learning-rate or --l2.",
            file=sys.stderr,
        )
    return DIVERGED if lines else DONE


def exit_code(work: Callable[[], int], interruption_message: str = INTERRUPTION_MESSAGE) -> int:
    """Runs a command; converts user errors and signals to a message and an exit code.

    Args:
        work: Command; returns the exit code if nothing fails.
        interruption_message: Message about the files that an interruption leaves.
    """
    try:
        with terminable(), printable():
            code = work()
            sys.stdout.flush()  # otherwise a full disk is noticed only after this function
            return code
    except UsageError as error:
        return refuse(str(error))
    except (RuntimeError, AssertionError):
        if (reason := no_device()) is None:
            raise
        return refuse(reason)
    except OSError as error:
        if error.errno not in WRITE_ERRORS:
            raise
        silence()
        target = error.filename or "standard output"
        return refuse(f"{error.strerror}: {target}; {interruption_message}")
    except Terminated:
        print(f"terminated; {interruption_message}", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print(f"interrupted; {interruption_message}", file=sys.stderr)
        return INTERRUPTED


def refuse(reason: str) -> int:
    """Prints an error on stderr; returns the exit code of a user error."""
    print(f"error: {reason}", file=sys.stderr)
    return USER_ERROR


@contextmanager
def printable() -> Iterator[None]:
    """Prints characters that the encoding of stdout lacks as escapes."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        yield
        return
    errors = stdout.errors
    stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        stdout.reconfigure(errors=errors)


def silence() -> None:
    """Redirects stdout to nowhere, so that the interpreter does not fail again at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
