"""What a check found: as a table, as JSON, as an error."""

import io
import json
import math
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import jax
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from mnist_jax.gradcheck.comparison import Comparison
from mnist_jax.precision import MATMUL_PRECISION


class GradientError(AssertionError):
    """A gradient did not pass its check; the message is the report."""


class Finding(NamedTuple):
    """One kind of check in one precision, at all points.

    Attributes:
        check: What was compared with what.
        precision: The dtype.
        passes: None if it could not be made.
        point: The point where it was worst.
        comparison: There; None for a check without coordinates.
        note: What a number can't say.
    """

    check: str
    precision: str
    passes: bool | None
    point: str = ""
    comparison: Comparison | None = None
    note: str = ""


class Report(NamedTuple):
    """What was found, in words and numbers.

    Attributes:
        findings: One for each kind of check and precision.
        diagnosis: Guesses at what is wrong; remarks.
        environment: Device, versions, matmul precision, and what was compared.
    """

    findings: tuple[Finding, ...]
    diagnosis: tuple[str, ...]
    environment: dict[str, Any]

    @property
    def passes(self) -> bool:
        """Whether no check failed."""
        return all(finding.passes is not False for finding in self.findings)

    def of(self, check: str, precision: str) -> Finding:
        """The finding of one kind of check.

        Args:
            check: As in the table.
            precision: As in the table.

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
            "environment": self.environment,
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)

    def __str__(self) -> str:
        """The report as a table."""
        text = io.StringIO()
        console = Console(file=text, width=WIDTH, color_system=None, force_jupyter=False)
        console.print(self)
        return text.getvalue().rstrip()

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The report as rich draws it; where there is little room, with fewer columns."""
        yield Text(_title(self), style="bold")
        yield _table(self.findings, NUMBERS if options.max_width >= WIDTH else NUMBERS[:2])
        yield from (Text(f"- {line}") for line in self.diagnosis)
        yield Text(", ".join(f"{name} {value}" for name, value in self.environment.items()))


WIDTH = 120
VERDICTS = {True: "pass", False: "FAIL", None: "-"}
NUMBERS = ("error", "allowed", "relative", "ulps", "1-cosine")


def _title(report: Report) -> str:
    failed = sum(finding.passes is False for finding in report.findings)
    if not failed:
        return "The gradient passes."
    return f"The gradient DOES NOT PASS: {failed} of {len(report.findings)} checks fail."


def _table(findings: Sequence[Finding], numbers: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in ("against", "", *numbers, "worst coordinate", "gradient", "reference"):
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for finding in findings:
        if finding.check == findings[0].check:
            table.add_section()
            table.add_row(f"in {finding.precision}:")
        table.add_row(*_row(finding, len(numbers)))
    return table


def _row(finding: Finding, count: int) -> tuple[str, ...]:
    start = (finding.check, VERDICTS[finding.passes])
    found = finding.comparison
    if found is None:
        return (*start, *[""] * count, finding.note)
    errors = (found.absolute, found.tolerance, found.relative)
    numbers = [f"{error:.1e}" for error in errors]
    numbers += [f"{found.ulps:.3g}", f"{1 - found.cosine:.1e}"]
    note = f" ({finding.note})" if finding.note else ""
    place = f"{finding.point} {found.where}{note}"
    values = (f"{value:.6g}" for value in (found.value, found.reference))
    return (*start, *numbers[:count], place, *values)


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
