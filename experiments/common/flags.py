"""Flags in groups: `--help` shows together what belongs together."""

import sys
from collections.abc import Sequence
from dataclasses import Field, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import tyro

from mnist_jax import __version__
from mnist_jax.files import expanded
from mnist_jax.terminal import bounded_width

S = TypeVar("S")

GROUPS = {
    "data": (
        *("data_set", "data_dir", "data_source", "train_size", "validation_size"),
        *("validation_selection", "digits"),
    ),
    "training": (
        *("model", "learning_rate", "l2", "optimizer", "epochs", "batch_size", "shuffle", "seed"),
        *("precision", "gradient", "criterion", "evaluations"),
    ),
    "devices": (
        "devices",
        "plan",
        "distributed",
        "coordinator",
        "num_processes",
        "process",
        "wait",
    ),
    "output": ("output_dir", "quick", "quiet", "curves", "resume", "overwrite"),
}
"""Title to the flags of a group; any other flag is one of the command's own."""
OWN = "command"
_TITLES = {name: title for title, names in GROUPS.items() for name in names}
_VERSION_HELP = tyro.conf.arg(help="Print the version and end.")
_Version = Annotated[bool, tyro.conf.FlagCreatePairsOff, _VERSION_HELP]


def parse_flags(
    settings: type[S], program: str, description: str, arguments: Sequence[str] | None
) -> S:
    """Parse settings from flags.

    Args:
        settings: Dataclass whose fields have defaults, and each a docstring that is its help.
        program: Name of the command.
        description: What it does.
        arguments: The flags; None for those of the process.

    Returns:
        The settings.

    Raises:
        SystemExit: With code 2 and a message, if a flag can't be understood; 0 after --help and
            --version.
        UsageError: If a path begins with ``~`` and a name that nobody has.
    """
    given = sys.argv[1:] if arguments is None else [*arguments]
    _refuse_initials(settings, given)
    with bounded_width():
        parsed = tyro.cli(
            grouped(settings),
            prog=program,
            description=description,
            args=given,
            config=(tyro.conf.OmitArgPrefixes,),
        )
    if parsed.output.version:
        print(f"mnist_jax {__version__}")
        raise SystemExit(0)
    names = [each.name for each in fields(settings)]  # type: ignore[arg-type]
    values = {name: getattr(getattr(parsed, _title(name)), name) for name in names}
    # a shell expands --data-dir ~/data, but not --data-dir=~/data
    paths = {name: expanded(value) for name, value in values.items() if isinstance(value, Path)}
    return settings(**values | paths)


def grouped(settings: Any) -> Any:
    """A dataclass with a field for each group of flags.

    A group is the settings themselves, of which it takes its own flags alone. So tyro finds the
    help where it always does, in the docstrings.
    """
    groups = []
    for title in (OWN, *GROUPS):
        members: list[Any] = [_member(settings, each, title) for each in fields(settings)]
        if title == "output":
            members.append(("version", _Version, field(default=False)))
        if any(member[2].init for member in members):
            group = make_dataclass(title, members, bases=(settings,), frozen=True, kw_only=True)
            groups.append((title, group, field(default_factory=group)))
    return make_dataclass(settings.__name__, groups)


def _title(name: str) -> str:
    return _TITLES.get(name, OWN)


def _member(settings: Any, flag: Field[Any], title: str) -> tuple[str, Any, Any]:
    """A flag in a group: one that is given, or one that keeps its default."""
    hint = get_type_hints(settings, include_extras=True)[flag.name]
    own = _title(flag.name) == title
    return flag.name, _shown(hint, flag.default), field(default=flag.default, init=own)


def _shown(hint: Any, default: Any) -> Any:
    """How a flag is shown in the help: one that may be left out, as its type alone."""
    if default is not None and default != ():
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    # what tyro shows would be {None}|PATH
    metavar = _metavar(kinds[0]) if default is None and len(kinds) == 1 else None
    return Annotated[hint, tyro.conf.arg(metavar=metavar, help_behavior_hint="(optional)")]


def _metavar(kind: Any) -> str:
    choices = get_args(kind)
    return f"{{{','.join(choices)}}}" if choices else kind.__name__.upper()


def _refuse_initials(settings: Any, arguments: Sequence[str]) -> None:
    """Suggest --learning-rate for --lr, which is too far from it to be found by spelling."""
    flags = {f"--{each.name.replace('_', '-')}" for each in fields(settings)}
    initials = {f"--{''.join(word[0] for word in flag[2:].split('-'))}": flag for flag in flags}
    for argument in arguments:
        name = argument.split("=")[0]
        if name in initials and name not in flags and len(name) > 3:
            message = f"error: there is no flag {name}; perhaps {initials[name]}? See --help."
            print(message, file=sys.stderr)
            raise SystemExit(2)
