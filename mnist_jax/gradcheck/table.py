"""A report as text: its title, the short table, and the long table."""

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table

from mnist_jax.gradcheck.comparison import Finding
from mnist_jax.gradcheck.formula import Formula

VERDICTS = {True: "pass", False: "FAIL", None: "-"}
NUMBERS = ("error", "allowed", "relative", "ulps", "1-cosine")
ANSWERS = {True: "yes", False: "NO", None: "-"}


def title(findings: Sequence[Finding]) -> str:
    """Returns the verdict as a sentence."""
    failed = [finding for finding in findings if finding.passes is False]
    if not failed:
        return "This gradient is right."
    checks = {finding.check for finding in failed}
    if "loss" in checks:
        return "The loss can't be checked here: it is not finite at the point given."
    if "the same call again" in checks:
        return "This can't be checked: the same call does not give the same numbers."
    if checks <= {"lost to rounding"}:
        return "This gradient is right, but loses digits to rounding."
    if checks <= {"own precision", "reverse mode", "float64"} and "own precision" in checks:
        return "This gradient is not computed in its own precision."
    return f"This gradient is wrong: {len(failed)} of {len(findings)} checks fail."


def rows(findings: Sequence[Finding], proof: Formula) -> Iterator[tuple[str, ...]]:
    """Yields the rows of the short table, with a column for each precision."""
    precisions = list(dict.fromkeys(finding.precision for finding in findings))
    yield ("", *precisions)
    told = {"equal": f"equal to {proof.digits:.0f} digits", "different": "DIFFERENT"}
    yield ("formula", *[""] * (len(precisions) - 1), told.get(proof.verdict, "-"))
    questions = {
        "agrees with autodiff": "reverse mode",
        "agrees with the loss's values": "central differences",
        "compiled equals uncompiled": "jit / eager",
    }
    for question, check in questions.items():
        found = {f.precision: f.passes for f in findings if f.check == check}
        if found:
            yield (question, *(ANSWERS[found.get(precision)] for precision in precisions))
    digits = [_digits(findings, precision) for precision in precisions]
    if any(digits):
        yield ("digits kept", *digits)


def _digits(findings: Sequence[Finding], precision: str) -> str:
    """Returns the number of correct digits of the gradient, relative to its largest coordinate."""
    reference = "float64" if precision == "float32" else "reverse mode"
    found = next((f for f in findings if (f.check, f.precision) == (reference, precision)), None)
    if found is None or found.comparison is None or not math.isfinite(found.comparison.relative):
        return ""
    most = 7.2 if precision == "float32" else 15.9
    error = found.comparison.relative
    return f"{min(-math.log10(error), most) if error else most:.1f}"


def long_table(findings: Sequence[Finding], numbers: Sequence[str]) -> Table:
    """Returns the long table, with a row for each finding and the given columns of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in ("against", "", *numbers, "worst coordinate", "gradient", "reference"):
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    shown = ""
    for finding in findings:
        if finding.precision != shown:
            shown = finding.precision
            table.add_section()
            table.add_row(f"in {shown}:")
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
