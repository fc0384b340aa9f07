"""Flags in groups: `--help` shows together what belongs together."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, field, fields, is_dataclass, make_dataclass
from itertools import pairwise
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro

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
    "devices": ("devices", "distributed", "coordinator", "num_processes", "process"),
    "output": ("output_dir", "quick", "quiet", "curves", "resume"),
}
"""Title to the flags of a group; any other flag is one of the command's own."""
OWN = "command"


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
        SystemExit: With code 2 and a message, if a flag can't be understood; 0 after --help.
    """
    groups = [
        (title, group, field(default_factory=group)) for title, group in _groups(settings).items()
    ]
    parsed = tyro.cli(
        make_dataclass(settings.__name__, groups),
        prog=program,
        description=description,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    given = (getattr(parsed, title) for title, *_ in groups)
    return settings(**{f.name: getattr(group, f.name) for group in given for f in fields(group)})


def _groups(settings: Any) -> dict[str, Any]:
    """A dataclass for each group that has flags."""
    hints, helps = get_type_hints(settings, include_extras=True), dict(_helps(settings))
    titles = {name: title for title, names in GROUPS.items() for name in names}
    places = {name: place for names in GROUPS.values() for place, name in enumerate(names)}
    members: dict[str, list[Any]] = {title: [] for title in (OWN, *GROUPS)}
    for each in sorted(fields(settings), key=lambda each: places.get(each.name, 0)):
        hint = Annotated[hints[each.name], tyro.conf.arg(help=helps.get(each.name, ""))]
        assert each.default is not MISSING, f"{each.name} has no default"
        flag = (each.name, hint, field(default=each.default))
        members[titles.get(each.name, OWN)].append(flag)
    return {
        title: make_dataclass(title, flags, kw_only=True)
        for title, flags in members.items()
        if flags
    }


def _helps(settings: Any) -> Iterator[tuple[str, str]]:
    """Each field's docstring, those of base classes first."""
    for base in filter(is_dataclass, reversed(settings.__mro__)):
        for statement, following in pairwise(_statements(base)):
            if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
                text = ast.literal_eval(following.value)
                yield ast.unparse(statement.target), " ".join(str(text).split())


def _statements(definition: Any) -> list[ast.stmt]:
    """Of a class's body; none if its source is not to be had, as of one typed at a prompt."""
    try:
        source = inspect.getsource(definition)
    except OSError:
        return []
    [parsed] = ast.parse(textwrap.dedent(source)).body
    return parsed.body if isinstance(parsed, ast.ClassDef) else []
