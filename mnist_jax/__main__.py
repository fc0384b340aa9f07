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
    if name in ("-h", "--help"):
        print(usage())
        return DONE
    if name == "--version":
        print(f"mnist_jax {__version__}")
        return DONE
    if name == COMPLETION:
        return print_completion(flags)
    command = find(name)
    if command is None:
        matches = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"; perhaps {matches[0]}?" if matches else ": choose one of " + ", ".join(COMMANDS)
        return refuse(f"unknown command {name!r}{hint}")
    if importlib.util.find_spec(command.module.split(".")[0]) is None:
        return refuse(without_experiments(name))
    sys.argv = [f"mnist-jax {name}", *flags]
    with bounded_width():
        runpy.run_module(command.module, run_name="__main__")
    return DONE


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


def print_completion(flags: Sequence[str]) -> int:
    """Prints the completion script of a shell."""
    if len(flags) != 1 or flags[0] not in SHELLS:
        return refuse(f"{COMPLETION} takes one of {', '.join(SHELLS)}")
    if importlib.util.find_spec("experiments") is None:
        return refuse(without_experiments(COMPLETION))
    completion = importlib.import_module("experiments.completion")
    print(completion.script(flags[0]))
    return DONE


def without_experiments(name: str) -> str:
    """Returns the error for a command without the experiments."""
    return (
        f"{name} needs the experiments, which are in the checkout and not in the wheel: clone the "
        "repository and install it with `pip install -e .`"
    )


def refuse(message: str) -> int:
    """Prints an error on stderr; returns the exit code."""
    print(f"error: {message}", file=sys.stderr)
    return WRONG_USE


if __name__ == "__main__":
    raise SystemExit(main())
