"""What was found, in tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table as RichTable

from experiments.common.task import Table
from experiments.robustness.specification import Multiverse


def setting_table(found: Multiverse) -> Table:
    """A row for each setting of a claim: its factors, the numbers that decide, the verdict."""
    factors, statements = list(found.own), list(found.values)

    def rows() -> Iterator[list[Any]]:
        for place, (each, verdict) in enumerate(
            zip(found.specifications, found.verdicts, strict=True)
        ):
            levels = [level_text(each.setting[factor]) for factor in factors]
            yield [*levels, *(found.values[name][place] for name in statements), verdict]

    return Table([*factors, *statements, "verdict"], rows())


def level_text(level: Any) -> str:
    """A level of a factor in words.

    Example:
        >>> level_text((2, 3)), level_text(0.05)
        ('2 and 3', '0.05')
    """
    return " and ".join(map(str, level)) if isinstance(level, tuple | list) else f"{level}"


def flip_text(flip: dict[str, Any] | None) -> str:
    """The smallest change that turns a verdict, in words.

    Example:
        >>> flip_text({"factor": "batch_size", "from": 128, "to": 64, "verdict": "refuted"})
        'batch size 64 instead of 128: refuted'
        >>> flip_text(None)
        'none of those tried'
    """
    if flip is None:
        return "none of those tried"
    name = flip["factor"].replace("_", " ")
    to, own = (level_text(flip[end]) for end in ("to", "from"))
    return f"{name} {to} instead of {own}: {flip['verdict']}"


def summary_table(entries: Sequence[dict[str, Any]]) -> RichTable:
    """A row for each claim."""
    columns = ("claim", "verdict", "settings", "holds in", "interval", "smallest change")
    table = RichTable(title="How far the claims hold", title_justify="left")
    for column in columns:
        table.add_column(column, no_wrap=column != columns[-1])
    for each in entries:
        low, high = each["interval"]["limits"]
        table.add_row(
            *(each["claim"], each["verdict"], f"{each['judged']:,}", f"{each['share']:.1%}"),
            f"{low:.0%} to {high:.0%}",
            flip_text(each["smallest_flip"]),
        )
    return table
