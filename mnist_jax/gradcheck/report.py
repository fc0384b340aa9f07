"""What a check found: a verdict in words, a short table, and every number."""

import html
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import jax
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from mnist_jax.gradcheck.finding import Finding
from mnist_jax.gradcheck.formula import Formula
from mnist_jax.gradcheck.table import NUMBERS, long_table, rows, title
from mnist_jax.precision import MATMUL_PRECISION

# in characters; of what is printed where there is no terminal
WIDTH = 120


class GradientError(AssertionError):
    """A gradient did not pass its check; the message is the report."""


@dataclass(frozen=True, repr=False)
class Report:
    """What a check found, in words and numbers; true if the gradient passes.

    Attributes:
        findings: One for each kind of check and precision.
        diagnosis: Sentences on what is wrong, the most important first, then on what was not or
            could not be judged.
        proof: The verdict on the formula, by ball arithmetic.
        environment: Device, versions and matmul precision.
    """

    findings: tuple[Finding, ...]
    diagnosis: tuple[str, ...]
    proof: Formula
    environment: dict[str, Any]

    @property
    def passes(self) -> bool:
        """Whether no check failed."""
        return all(finding.passes is not False for finding in self.findings)

    @property
    def formula(self) -> str:
        """Whether the formula is that of the gradient: `equal`, `different` or `not told`."""
        return self.proof.verdict

    def __bool__(self) -> bool:
        return self.passes

    def of(self, check: str, precision: str) -> Finding:
        """The finding of one kind of check.

        Args:
            check: Its name, as in the table of `details`.
            precision: The dtype.

        Returns:
            The finding.

        Raises:
            KeyError: If there is none.
        """
        for finding in self.findings:
            if (finding.check, finding.precision) == (check, precision):
                return finding
        raise KeyError((check, precision))

    def raise_if_wrong(self) -> None:
        """Raises the report if a check failed.

        Raises:
            GradientError: With the report as its message.
        """
        if not self.passes:
            raise GradientError(f"\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values; numbers that are not finite are None."""
        findings = [
            {**f._asdict(), "comparison": f.comparison and _finite(f.comparison._asdict())}
            for f in self.findings
        ]
        return {
            "passes": self.passes,
            "findings": findings,
            "diagnosis": list(self.diagnosis),
            "formula": _finite(self.proof._asdict()),
            "environment": self.environment,
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)

    def details(self) -> str:
        """Every check with its numbers, as a table."""
        return _text(_Details(self))

    def __repr__(self) -> str:
        said = f": {self.diagnosis[0]}" if self.diagnosis else ""
        return f"<Report: {title(self.findings)}{said}>"

    def __str__(self) -> str:
        return _text(self)

    def _repr_html_(self) -> str:
        """The report in a notebook, which breaks its lines itself."""
        said = "".join(f"<li>{html.escape(line)}</li>" for line in self.diagnosis)
        head, *body = rows(self.findings, self.proof)
        cells = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in body
        )
        names = "".join(f"<th>{html.escape(name)}</th>" for name in head)
        return (
            f"<p><b>{html.escape(title(self.findings))}</b></p><ul>{said}</ul>"
            f"<table><tr>{names}</tr>{cells}</table>"
        )

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield Text(title(self.findings), style="bold")
        yield from (Text(f"- {line}") for line in self.diagnosis)
        head, *body = rows(self.findings, self.proof)
        table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in body:
            table.add_row(*row)
        yield table


@dataclass(frozen=True)
class _Details:
    """The long form of a report, as rich draws it."""

    report: Report

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Any]:
        """With fewer columns where there is little room."""
        numbers = NUMBERS if options.max_width >= WIDTH else NUMBERS[:2]
        yield replace(self.report)
        yield long_table(self.report.findings, numbers)
        yield Text(", ".join(f"{name} {value}" for name, value in self.report.environment.items()))


def details(report: Report) -> Any:
    """The long form of a report, for a console."""
    return _Details(report)


def _text(renderable: Any) -> str:
    text = io.StringIO()
    console = Console(file=text, width=_width(), color_system=None, force_jupyter=False)
    console.print(renderable)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())


def _width() -> int:
    """The terminal's width, or `WIDTH` where there is none."""
    console = Console(force_jupyter=False)
    return min(console.width, WIDTH) if console.is_terminal else WIDTH


def _finite(numbers: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in numbers.items()
    }


def environment() -> dict[str, str]:
    """Where a check is made."""
    device = jax.devices()[0]
    return {
        "device": f"{device.device_kind} ({device.platform})",
        "matmul precision": MATMUL_PRECISION,
        **{name: version(name) for name in ("jax", "jaxlib", "numpy")},
    }
