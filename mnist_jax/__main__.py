"""The command `mnist-jax`: the gradient checker and, in a checkout, the experiments.

Each subcommand is a module that `python -m` can also run. The wheel contains only the library, not
the experiments.
"""

import difflib
import importlib.util
import runpy
import sys
from collections.abc import Sequence
from typing import NamedTuple

from mnist_jax import __version__
from mnist_jax.errors import UsageError
from mnist_jax.terminal import bounded_width

DONE, WRONG_USE = 0, 2


class Command(NamedTuple):
    """A subcommand.

    Attributes:
        module: Module to run.
        help: Description of the subcommand.
    """

    module: str
    help: str


COMMANDS = {
    "report": Command("experiments", "Run every experiment and write the report."),
    "task1": Command("experiments.task1_gradients", "Check the gradients and their derivations."),
    "task2": Command("experiments.task2_logistic", "Train logistic regression on two digits."),
    "task3": Command("experiments.task3_softmax", "Train softmax regression on ten digits."),
    "task4": Command("experiments.task4_regularization", "Train with several L2 penalties."),
    "sweep": Command("experiments.sweep", "Train many runs together."),
    "robustness": Command(
        "experiments.robustness", "Judge the report's claims in many other settings."
    ),
    "controls": Command("experiments.controls", "Measure how far the checker can be trusted."),
    "benchmarks": Command("experiments.benchmarks", "Measure the speed of the training."),
    "docs": Command("experiments.docs", "Render the documents that quote measured numbers."),
    "gradcheck": Command("mnist_jax.gradcheck", "Check a gradient of your own."),
}
"""Subcommands by name; the names of the modules are accepted too."""

COMPLETION = "--print-completion"
"""Flag that prints a completion script."""
SHELLS = ("bash", "zsh", "fish")
"""Supported shells."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand.

    Args:
        arguments: Name and flags of the subcommand; None for those of the process.

    Returns:
        The exit code.
    """
    name, *flags = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    try:
        if name in ("-h", "--help"):
            print(usage())
        elif name == "--version":
            print(f"mnist_jax {__version__}")
        elif name == COMPLETION:
            print_completion(flags)
        else:
            run(name, flags)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    return DONE


def run(name: str, flags: Sequence[str]) -> None:
    """Runs the module of a subcommand with its flags."""
    command = find(name)
    if command is None:
        matches = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; perhaps {matches[0]}?" if matches else ": choose one of " + ", ".join(COMMANDS)
        raise UsageError(f"unknown command {name!r}{hint}")
    require(command.module.split(".")[0], name)
    sys.argv = [f"mnist-jax {name}", *flags]
    with bounded_width():
        runpy.run_module(command.module, run_name="__main__")


def find(name: str) -> Command | None:
    """Returns the subcommand with a name, or with the name of its module."""
    by_module = {command.module.rpartition(".")[2]: command for command in COMMANDS.values()}
    return COMMANDS.get(name) or by_module.get(name.replace("-", "_"))


def usage() -> str:
    """Returns the help of the command."""
    lines = [f"  {name:<12}{command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: mnist-jax COMMAND [FLAGS]",
            "",
            "Each command takes --help.",
            "",
            *lines,
            "",
            "  --version   Print the version and exit.",
            f"  {COMPLETION} SHELL",
            f"              Print a completion script for {', '.join(SHELLS)}.",
        ]
    )


def print_completion(flags: Sequence[str]) -> None:
    """Prints the completion script of a shell."""
    if len(flags) != 1 or flags[0] not in SHELLS:
        raise UsageError(f"{COMPLETION} takes one of {', '.join(SHELLS)}")
    require("experiments", COMPLETION)
    print(importlib.import_module("experiments.completion").script(flags[0]))


def require(package: str, name: str) -> None:
    """Raises a UsageError if a command lacks its package, the experiments."""
    if importlib.util.find_spec(package) is None:
        raise UsageError(
            f"{name} needs the experiments, which are in the checkout and not in the wheel: clone "
            "the repository and install it with `pip install -e .`"
        )


if __name__ == "__main__":
    raise SystemExit(main())
