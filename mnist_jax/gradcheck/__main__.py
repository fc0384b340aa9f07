"""Check a hand-written gradient from a shell.

The flag --constants, on its own, prints the checker's tuning constants and their calibration.

Exit codes: 0 if the gradient passes; 1 if it does not; 2 if it could not be checked, with one
message on stderr that says why.
"""

import contextlib
import importlib
import inspect
import io
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from rich.console import Console

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import tuning
from mnist_jax.gradcheck.checker import check
from mnist_jax.gradcheck.report import WIDTH, Report, details

PASSES, FAILS, WRONG_USE = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Command-line settings of a check."""

    loss: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODULE:LOSS")]
    """Loss, as package.module:function; a function of arrays that returns a scalar."""

    gradient: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODULE:GRADIENT")]
    """Hand-written gradient, as package.module:function."""

    arguments: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE.NPZ")]
    """A .npz file with an array for each argument, named 0, 1, ... in order or named like the
    parameters of the loss."""

    argnum: tuple[int, ...] = (0,)
    """Position of the argument to differentiate, or several positions, as in jax.grad."""

    points: int = 3
    """Number of points: the given arguments, and others drawn around them."""

    directions: int = 4
    """Number of directions for directional derivatives."""

    precisions: tuple[Literal["float32", "float64"], ...] = ("float32", "float64")
    """Precisions in which to call the functions."""

    seed: int = 0
    """Seed of the points and directions."""

    has_value: tyro.conf.FlagCreatePairsOff[bool] = False
    """The gradient returns (value, gradient)."""

    has_aux: tyro.conf.FlagCreatePairsOff[bool] = False
    """The loss returns (value, anything else)."""

    details: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print every check with its numbers."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print the report as JSON."""


def main(flags: Sequence[str] | None = None) -> int:
    """Checks a gradient from the command line, and returns the exit code."""
    if list(sys.argv[1:] if flags is None else flags) == ["--constants"]:
        print(tuning.described())
        return PASSES
    program = "python -m mnist_jax.gradcheck"
    settings = tyro.cli(Settings, prog=program, description=__doc__, args=flags)
    try:
        # output of the user's modules is not part of the report
        with contextlib.redirect_stdout(io.StringIO()):
            report = _report(settings)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    if settings.json:
        print(report.to_json())
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH)
        console.print(details(report) if settings.details else report)
    return PASSES if report.passes else FAILS


def _report(settings: Settings) -> Report:
    loss, gradient = find_function(settings.loss), find_function(settings.gradient)
    arguments = read_arguments(settings.arguments, loss)
    argnum = settings.argnum[0] if len(settings.argnum) == 1 else settings.argnum
    names = ("points", "directions", "precisions", "seed", "has_value", "has_aux")
    options = {name: getattr(settings, name) for name in names}
    try:
        return check(loss, gradient, *arguments, argnum=argnum, **options)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(f"the check ended with {type(error).__name__}: {error}") from error


def find_function(name: str) -> Callable[..., Any]:
    """Returns the function that `package.module:function` names.

    Raises:
        UsageError: If there is no such module, or no such function in it.
    """
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise UsageError(f"{name!r} names no function: give package.module:function.")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{module_name} can't be imported: {type(error).__name__}: {error}. "
            "Is it installed, or in this folder?"
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{module_name} has no {path}: give the name of a function in it.")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{name} is {type(found).__name__}: give the name of a function.")
    return found


def read_arguments(path: Path, loss: Callable[..., Any]) -> list[np.ndarray]:
    """Reads the arrays of a .npz file, in the order of the loss's parameters.

    Args:
        path: File of arrays named 0, 1, ... (or arr_0, arr_1, ..., the names that NumPy gives), or
            named like the parameters of the loss.
        loss: Function whose parameters the arrays are named after.

    Returns:
        The arguments.

    Raises:
        UsageError: If the file can't be read, or its names do not fit.
    """
    wrong = f"{path} is no .npz of plain arrays: write one with numpy.savez."
    try:
        file = np.load(path)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(wrong) from error
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise UsageError(f"{path} holds a single array: put all into one file with numpy.savez.")
    try:
        with file:
            arrays = {name.removeprefix("arr_"): file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UsageError(wrong) from error
    if not arrays:
        raise UsageError(f"{path} holds no array: it must hold one for each argument.")
    numbered = [str(i) for i in range(len(arrays))]
    names = numbered if set(arrays) == {*numbered} else _named(arrays, loss)
    return [arrays[name] for name in names]


def _named(arrays: dict[str, np.ndarray], loss: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(loss).parameters
    except (TypeError, ValueError) as error:
        raise UsageError("the loss has no signature: name the arrays 0, 1, ...") from error
    unknown = [name for name in arrays if name not in parameters]
    missing = [
        name
        for name, parameter in parameters.items()
        if name not in arrays and parameter.default is parameter.empty
    ]
    names = [name for name in parameters if name in arrays]
    if unknown or missing or names != list(parameters)[: len(names)]:
        raise UsageError(
            f"the file holds {', '.join(arrays)}, but the parameters of the loss are "
            f"{', '.join(parameters)}: name the arrays like those, or 0, 1, ... in their order."
        )
    return names


if __name__ == "__main__":
    raise SystemExit(main())
