"""The report of a check: a verdict, a diagnosis, a short table, and every number."""

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

from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.formula import Formula
from mnist_jax.gradcheck.table import NUMBERS, long_table, rows, title
from mnist_jax.precision import MATMUL_PRECISION

# width of printed reports without a terminal, in characters
WIDTH = 120


class GradientError(AssertionError):
    """Error for a gradient that does not pass its check; the message is the report."""


@dataclass(frozen=True, repr=False)
class Report:
    """The results of a check; true if the gradient passes.

    Attributes:
        findings: Findings, one for each kind of check and precision.
        diagnosis: Sentences about what is wrong, the most important first, followed by remarks
            about what was not or could not be compared.
        proof: Verdict of ball arithmetic on the formula.
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
        """The verdict on the formula: `equal`, `different` or `not told` (undecided)."""
        return self.proof.verdict

    def __bool__(self) -> bool:
        return self.passes

    def of(self, check: str, precision: str) -> Finding:
        """Returns the finding of one check in one precision.

        Args:
            check: Name of the check, as in the table of `details`.
            precision: Name of the dtype.

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
        """Raises an error if a check failed.

        Raises:
            GradientError: With the report as its message.
        """
        if not self.passes:
            raise GradientError(f"\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as plain values; numbers that are not finite become None."""
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
        """Returns the report as JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)

    def details(self) -> str:
        """Returns a table of every check with its numbers."""
        return _text(_Details(self))

    def __repr__(self) -> str:
        first = f": {self.diagnosis[0]}" if self.diagnosis else ""
        return f"<Report: {title(self.findings)}{first}>"

    def __str__(self) -> str:
        return _text(self)

    def _repr_html_(self) -> str:
        """Returns the report as HTML for notebooks."""
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.diagnosis)
        head, *body = rows(self.findings, self.proof)
        cells = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in body
        )
        names = "".join(f"<th>{html.escape(name)}</th>" for name in head)
        return (
            f"<p><b>{html.escape(title(self.findings))}</b></p><ul>{items}</ul>"
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
    """The long form of a report, for rich."""

    report: Report

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Any]:
        """Yields the short form and the long table, with fewer columns on a narrow console."""
        numbers = NUMBERS if options.max_width >= WIDTH else NUMBERS[:2]
        yield replace(self.report)
        yield long_table(self.report.findings, numbers)
        yield Text(", ".join(f"{name} {value}" for name, value in self.report.environment.items()))


def details(report: Report) -> Any:
    """Returns the long form of a report, to print on a rich console."""
    return _Details(report)


def _text(renderable: Any) -> str:
    text = io.StringIO()
    console = Console(file=text, width=_width(), color_system=None, force_jupyter=False)
    console.print(renderable)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())


def _width() -> int:
    console = Console(force_jupyter=False)
    return min(console.width, WIDTH) if console.is_terminal else WIDTH


def _finite(numbers: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in numbers.items()
    }


def environment() -> dict[str, str]:
    """Returns the device and the versions of the packages."""
    device = jax.devices()[0]
    return {
        "device": f"{device.device_kind} ({device.platform})",
        "matmul precision": MATMUL_PRECISION,
        **{name: version(name) for name in ("jax", "jaxlib", "numpy")},
    }
