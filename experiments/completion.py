"""Shell completion for `mnist-jax`: its subcommands, and the flags of each."""

import contextlib
import io
from dataclasses import make_dataclass
from typing import Annotated, Any, Union, cast

import tyro

from experiments.__main__ import TASKS, AllSettings
from experiments.benchmarks.__main__ import BenchmarkSettings
from experiments.common.flags import grouped
from experiments.controls.__main__ import ControlSettings
from experiments.docs import DocsSettings
from experiments.robustness.__main__ import RobustnessSettings
from experiments.sweep.settings import SweepSettings
from mnist_jax.__main__ import COMMANDS

SETTINGS: dict[str, Any] = {
    "report": AllSettings,
    **{task.name.partition("_")[0]: task.settings for task in TASKS},
    "sweep": SweepSettings,
    "robustness": RobustnessSettings,
    "controls": ControlSettings,
    "benchmarks": BenchmarkSettings,
    "docs": DocsSettings,
}
"""Subcommand to the dataclass of its flags; those of the gradient checker are left out."""


def script(shell: str) -> str:
    """Returns the completion script of a shell ("bash", "zsh" or "fish"), to be sourced."""
    commands: Any = [
        Annotated[
            grouped(SETTINGS[name]) if name in SETTINGS else make_dataclass(name, []),
            tyro.conf.subcommand(name, description=command.help),
        ]
        for name, command in COMMANDS.items()
    ]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        tyro.cli(
            cast(Any, Union[tuple(commands)]),  # noqa: UP007
            prog="mnist-jax",
            args=["--tyro-write-completion", shell, "-"],
            config=(tyro.conf.OmitArgPrefixes,),
        )
    return printed.getvalue()
