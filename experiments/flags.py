"""Flags in groups: `--help` shows together what belongs together."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, field, fields, is_dataclass, make_dataclass
from itertools import pairwise
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
        *(
            "model",
            "learning_rate",
            "l2",
            "optimizer",
            "epochs",
            "batch_size",
            "shuffle",
            "seed",
            "precision",
        ),
        *("gradient", "criterion", "evaluations"),
    ),
    "devices": ("devices", "distributed", "coordinator", "num_processes", "process", "wait"),
    "output": ("output_dir", "quick", "quiet", "curves", "resume", "overwrite"),
}
"""Title to the flags of a group; any other flag is one of the command's own."""
OWN = "command"
VERSION = "version"
_VERSION_FLAG = (
    VERSION,
    Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="Print the version and end.")],
    field(default=False),
)


def parse_flags(
    settings: type[S], program: str, description: str, arguments: Sequence[str] | None
) -> S:
    """Settings from flags.

    Args:
        settings: A dataclass whose fields have defaults, and each a docstring that is its help.
        program: What the command is called.
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
    groups = [getattr(parsed, each.name) for each in fields(parsed)]
    values = {each.name: getattr(group, each.name) for group in groups for each in fields(group)}
    if values.pop(VERSION):
        print(f"mnist_jax {__version__}")
        raise SystemExit(0)
    # a shell expands --data-dir ~/data, but not --data-dir=~/data
    paths = {name: expanded(value) for name, value in values.items() if isinstance(value, Path)}
    return settings(**values | paths)


def grouped(settings: Any) -> Any:
    """A dataclass of the same flags, each group a dataclass of its own."""
    groups = [
        (title, group, field(default_factory=group)) for title, group in _groups(settings).items()
    ]
    return make_dataclass(settings.__name__, groups)


def _groups(settings: Any) -> dict[str, Any]:
    """A dataclass for each group that has flags."""
    hints, helps = get_type_hints(settings, include_extras=True), dict(_helps(settings))
    titles = {name: title for title, names in GROUPS.items() for name in names}
    places = {name: place for names in GROUPS.values() for place, name in enumerate(names)}
    members: dict[str, list[Any]] = {title: [] for title in (OWN, *GROUPS)}
    for each in sorted(fields(settings), key=lambda each: places.get(each.name, 0)):
        assert each.default is not MISSING, f"{each.name} has no default"
        shown = _shown(hints[each.name], each.default, helps.get(each.name, ""))
        flag = (each.name, Annotated[hints[each.name], shown], field(default=each.default))
        members[titles.get(each.name, OWN)].append(flag)
    members["output"].append(_VERSION_FLAG)
    return {
        title: make_dataclass(title, flags, kw_only=True)
        for title, flags in members.items()
        if flags
    }


def _shown(hint: Any, default: Any, text: str) -> Any:
    """How a flag is shown in the help: one that may be left out as its type alone."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    optional = default is None or default == ()
    # what tyro shows would be {None}|PATH
    metavar = _metavar(kinds[0]) if default is None and len(kinds) == 1 else None
    if optional:
        return tyro.conf.arg(help=text, metavar=metavar, help_behavior_hint="(optional)")
    return tyro.conf.arg(help=text)


def _metavar(kind: Any) -> str:
    choices = get_args(kind)
    return f"{{{','.join(choices)}}}" if choices else kind.__name__.upper()


def _refuse_initials(settings: Any, arguments: Sequence[str]) -> None:
    """Suggests --learning-rate for --lr, which is too far from it to be found by spelling."""
    flags = {f"--{each.name.replace('_', '-')}" for each in fields(settings)}
    initials = {f"--{''.join(word[0] for word in flag[2:].split('-'))}": flag for flag in flags}
    for argument in arguments:
        name = argument.split("=")[0]
        if name in initials and name not in flags and len(name) > 3:
            message = f"error: there is no flag {name}; perhaps {initials[name]}? See --help."
            print(message, file=sys.stderr)
            raise SystemExit(2)


def _helps(settings: Any) -> Iterator[tuple[str, str]]:
    """Each field's docstring, those of base classes first."""
    for base in filter(is_dataclass, reversed(settings.__mro__)):
        for statement, following in pairwise(_statements(base)):
            if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
                text = ast.literal_eval(following.value)
                yield ast.unparse(statement.target), " ".join(str(text).split())


def _statements(definition: Any) -> list[ast.stmt]:
    """The statements of a class's body; none if its source is unknown, as at a prompt."""
    try:
        source = inspect.getsource(definition)
    except OSError:
        return []
    [parsed] = ast.parse(textwrap.dedent(source)).body
    return parsed.body if isinstance(parsed, ast.ClassDef) else []
