"""The command line of an experiment: flags in, exit code out.

Exit codes: 0 done; 2 something asked for can't be done, one message on stderr; 3 a run diverged
(all files are written all the same); 130 interrupted by Ctrl-C; 143 ended by SIGTERM.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC, EPIPE
from pathlib import Path

import jax
from rich.console import Console
from rich.table import Table as RichTable

from experiments.common import task
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from experiments.common.settings import Settings
from experiments.common.signals import Terminated, terminable
from experiments.common.task import KEPT, S, Task, TaskResult
from mnist_jax import data
from mnist_jax.errors import UsageError
from mnist_jax.results import output_folder

WRITTEN = ("config.json", "claims.json")
"""Files that every run of a task, or of all, leaves in its folder."""
FULL = (ENOSPC, EDQUOT, EFBIG, EPIPE)
"""What the system says where no more can be written."""
DONE, WRONG_USE, DIVERGED, INTERRUPTED, TERMINATED = 0, 2, 3, 130, 143


def run_task(chosen: Task[S], arguments: Sequence[str] | None = None) -> int:
    """Runs one experiment from its command line.

    Args:
        chosen: The experiment.
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """

    def work() -> int:
        settings = parse(chosen.settings, f"experiments.{chosen.name}", chosen.title, arguments)
        with output_folder(settings.output_dir) as folder:
            chosen.prepare(settings)
            require_device()
            mnist = load(settings)
            announce(folder, quiet=settings.quiet)
            # after loading: a download answers Ctrl-C at once
            with Progress(quiet=settings.quiet) as progress:
                result = chosen.measure(settings, mnist, progress)
                task.write(chosen, result, settings, mnist, folder)
        show(chosen.title, result, folder, quiet=settings.quiet)
        return report_divergence({chosen.name: result}, folder)

    return exit_code(work, chosen.kept)


def parse(settings: type[S], module: str, title: str, arguments: Sequence[str] | None) -> S:
    """Settings from flags, checked; with --quick, shortened.

    Raises:
        SystemExit: With code 2 and a message, if a flag can't be understood; 0 after --help.
        UsageError: If a value is out of its range.
    """
    return parse_flags(settings, f"python -m {module}", title, arguments).check().shortened()


def announce(folder: Path, *, quiet: bool) -> None:
    """Says on stderr that files of an earlier run are about to be overwritten, if there are any."""
    if any((folder / name).exists() for name in WRITTEN) and not quiet:
        print(
            f"{folder} holds files of an earlier run: those of the same names are overwritten at "
            "the end",
            file=sys.stderr,
        )


def require_device() -> None:
    """Starts JAX; a UsageError if it finds no device."""
    if reason := no_device():
        raise UsageError(reason)


def no_device() -> str | None:
    """Why JAX can't start; None if it does."""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # an empty assertion if CUDA finds no GPU
        asked = os.environ.get("JAX_PLATFORMS")
        remedy = f" JAX_PLATFORMS is {asked!r}: unset it, or set it to cpu." if asked else ""
        return f"JAX can't start: {str(error) or 'it finds no such device'}.{remedy}"
    return None


def load(settings: Settings) -> data.Mnist:
    """Loads the data set that the settings name, with a line on stderr for each thing done."""
    return data.load(
        settings.data_dir,
        data_set=settings.data_set,
        source=settings.data_source,
        report=lambda line: None if settings.quiet else print(line, file=sys.stderr),
    )


def show(title: str, result: TaskResult, folder: Path, *, quiet: bool = False) -> None:
    """Prints the listings and the closing table, and where the files are."""
    if not quiet:
        show_tables(title, result)
    print(f"written to {folder}")


def show_tables(title: str, result: TaskResult) -> None:
    """Prints the listings and the closing table."""
    for name, (header, rows) in result.listings.items():
        listing = RichTable(*header, title=name, title_justify="left")
        for row in rows:
            listing.add_row(*row)
        Console().print(listing)
    table = RichTable(title=title, title_justify="left", show_header=False)
    for what, value in result.summary:
        table.add_row(what, value)
    Console().print(table)


def report_divergence(tasks: dict[str, TaskResult], folder: Path) -> int:
    """Says on stderr which runs diverged.

    Returns:
        The exit code: 3 if there was one, else 0.
    """
    lines = [f"{name}: {line}" for name, result in tasks.items() for line in result.diverged]
    for line in lines:
        print(
            f"{line}; what was measured up to there is in {folder}. "
            "Give a lower --learning-rate or --l2.",
            file=sys.stderr,
        )
    return DIVERGED if lines else DONE


def exit_code(work: Callable[[], int], kept: str = KEPT) -> int:
    """Does the work of a command; turns user errors into a message and an exit code.

    Args:
        work: Returns the exit code if all goes well.
        kept: What to say of what an interruption leaves.

    Returns:
        The exit code.
    """
    try:
        with terminable(), printable():
            code = work()
            sys.stdout.flush()  # or a full disk under it is found when nobody listens any more
            return code
    except UsageError as error:
        return refuse(str(error))
    except (RuntimeError, AssertionError):
        if (reason := no_device()) is None:
            raise
        return refuse(reason)
    except OSError as error:
        if error.errno not in FULL:
            raise
        silence()
        return refuse(f"{error.strerror}: {error.filename or 'what was printed'}; {kept}")
    except Terminated:
        print(f"terminated; {kept}", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print(f"interrupted; {kept}", file=sys.stderr)
        return INTERRUPTED


def refuse(reason: str) -> int:
    """Says why something can't be done.

    Returns:
        The exit code.
    """
    print(f"error: {reason}", file=sys.stderr)
    return WRONG_USE


@contextmanager
def printable() -> Iterator[None]:
    """Within it, what the encoding of stdout lacks is printed as an escape."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        yield
        return
    before = stdout.errors
    stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        stdout.reconfigure(errors=before)


def silence() -> None:
    """Lets the interpreter end without a second complaint about a reader that went away."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
