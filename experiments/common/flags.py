"""Command-line flags from dataclasses, shown by `--help` in groups."""

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
"""Groups of flags by title; all other flags belong to the group of the command."""
COMMAND_GROUP = "command"
_TITLES = {name: title for title, names in GROUPS.items() for name in names}
_VERSION_HELP = tyro.conf.arg(help="Print the version and exit.")
_Version = Annotated[bool, tyro.conf.FlagCreatePairsOff, _VERSION_HELP]


def parse_flags(
    settings: type[S], program: str, description: str, arguments: Sequence[str] | None
) -> S:
    """Parses settings from flags.

    Args:
        settings: Dataclass whose fields have defaults and docstrings, which are the help.
        program: Name of the command.
        description: Description of the command.
        arguments: Command-line flags; None for those of the process.

    Returns:
        The settings.

    Raises:
        SystemExit: With code 2 and a message if a flag is invalid; with code 0 after --help and
            --version.
        UsageError: If a path begins with ``~`` and the name of an unknown user.
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
    names = [field.name for field in fields(settings)]  # type: ignore[arg-type]
    values = {name: getattr(getattr(parsed, _title(name)), name) for name in names}
    # a shell expands --data-dir ~/data, but not --data-dir=~/data
    paths = {name: expanded(value) for name, value in values.items() if isinstance(value, Path)}
    return settings(**values | paths)


def grouped(settings: Any) -> Any:
    """Returns a dataclass with one field for each group of flags.

    Each group is a subclass of the settings that takes only its own flags, so that tyro finds the
    help in the docstrings.
    """
    groups = []
    for title in (COMMAND_GROUP, *GROUPS):
        members: list[Any] = [_member(settings, flag, title) for flag in fields(settings)]
        if title == "output":
            members.append(("version", _Version, field(default=False)))
        if any(member[2].init for member in members):
            group = make_dataclass(title, members, bases=(settings,), frozen=True, kw_only=True)
            groups.append((title, group, field(default_factory=group)))
    return make_dataclass(settings.__name__, groups)


def _title(name: str) -> str:
    return _TITLES.get(name, COMMAND_GROUP)


def _member(settings: Any, flag: Field[Any], title: str) -> tuple[str, Any, Any]:
    """Returns the field of a flag in a group; flags of other groups keep their defaults."""
    hint = get_type_hints(settings, include_extras=True)[flag.name]
    own = _title(flag.name) == title
    return flag.name, _shown(hint, flag.default), field(default=flag.default, init=own)


def _shown(hint: Any, default: Any) -> Any:
    """Returns the type annotation for the help; an optional flag shows only its type."""
    if default is not None and default != ():
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    # tyro would show {None}|PATH
    metavar = _metavar(kinds[0]) if default is None and len(kinds) == 1 else None
    return Annotated[hint, tyro.conf.arg(metavar=metavar, help_behavior_hint="(optional)")]


def _metavar(kind: Any) -> str:
    choices = get_args(kind)
    return f"{{{','.join(choices)}}}" if choices else kind.__name__.upper()


def _refuse_initials(settings: Any, arguments: Sequence[str]) -> None:
    """Suggests --learning-rate for --lr, which spelling alone would not find."""
    flags = {f"--{field.name.replace('_', '-')}" for field in fields(settings)}
    initials = {f"--{''.join(word[0] for word in flag[2:].split('-'))}": flag for flag in flags}
    for argument in arguments:
        name = argument.split("=")[0]
        if name in initials and name not in flags and len(name) > 3:
            message = f"error: unknown flag {name}; perhaps {initials[name]}? See --help."
            print(message, file=sys.stderr)
            raise SystemExit(2)
