"""`python -m mnist_jax.derivation module arguments.npz`: find a derivation's first wrong line.

The module contains the lines as a sequence of functions, `LINES`: first the quantity that is
derived, then each line. Exit codes: 0 if no line is wrong; 1 if a line is wrong; 2 for a user
error, with one message on stderr.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from mnist_jax.derivation.steps import check_steps
from mnist_jax.errors import UsageError
from mnist_jax.gradcheck.__main__ import read_arguments

RIGHT, WRONG, WRONG_USE = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Command-line settings of the check of a derivation."""

    module: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODULE")]
    """Module with the lines, as package.module, in this folder or installed."""

    arguments: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE.NPZ")]
    """A .npz file with an array for each argument, named 0, 1, ... in order or named like the
    parameters of the first function."""

    seconds: float = 5.0
    """Time limit of each comparison, in seconds."""


def main(flags: Sequence[str] | None = None) -> int:
    """Check a derivation from the command line.

    Args:
        flags: Command-line flags; None for those of the process.

    Returns:
        The exit code.
    """
    program = "python -m mnist_jax.derivation"
    settings = tyro.cli(Settings, prog=program, description=__doc__, args=flags)
    try:
        lines = find_lines(settings.module)
        arguments = read_arguments(settings.arguments, lines[0])
        steps = check_steps(*lines, arguments=arguments, seconds=settings.seconds)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    print(steps)
    return RIGHT if steps.first_wrong is None else WRONG


def find_lines(name: str) -> Sequence[Callable[..., Any]]:
    """Return the functions that a module lists as `LINES`.

    Raises:
        UsageError: If there is no such module, or no such list in it.
    """
    try:
        lines = getattr(importlib.import_module(name), "LINES", None)
    except Exception as error:
        raise UsageError(
            f"{name} can't be imported: {type(error).__name__}: {error}. "
            "Is it installed, or in this folder?"
        ) from error
    if not isinstance(lines, Sequence) or len(lines) < 2 or not all(map(callable, lines)):
        raise UsageError(
            f"{name} has no LINES: give it a list of functions, first the quantity that is "
            "derived, then each line."
        )
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
