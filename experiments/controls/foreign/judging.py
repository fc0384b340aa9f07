"""What the checker says of the foreign gradients: the work of one process."""

import re
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import jax

from experiments.controls.foreign import FOREIGN, Case, Foreign, Mistake
from mnist_jax import gradcheck
from mnist_jax.errors import UsageError

DENIED = re.compile(r"\bno (constant|common|multiple|rearrangement)[^.;]*")
"""What a diagnosis rules out is not what it says."""


class Said(NamedTuple):
    """What became of one check.

    Attributes:
        passes: The verdict; None if there is none.
        text: The diagnosis, or what was raised.
        refused: Whether a `UsageError` was raised; any other error is a crash.
        seconds: How long it took, compilation included.
        formula: The verdict on the formula, and why there is none.
    """

    passes: bool | None
    text: str
    refused: bool
    seconds: float
    formula: tuple[str, str] = ("not told", "")


class WrongOne(NamedTuple):
    """What became of a mistake.

    Attributes:
        wrong: What is wrong.
        nameable: Whether the mistake has a common name.
        caught: Whether the gradient fails, or is refused for a reason that names the mistake.
        named: Whether the diagnosis names it.
        misnamed: Whether the diagnosis says something that is not so.
        said: All of it.
    """

    wrong: str
    nameable: bool
    caught: bool
    named: bool
    misnamed: bool
    said: Said


class Judged(NamedTuple):
    """What became of an entry of the collection.

    Attributes:
        name: Of the entry.
        source: Of the entry.
        origin: Of the entry.
        holds: Of the entry.
        right: Of the right gradient.
        wrong: Of each mistake.
        absent: The package that is missing; then nothing was checked.
    """

    name: str
    source: str
    origin: str
    holds: str
    right: Said | None
    wrong: tuple[WrongOne, ...]
    absent: str = ""


def judge(names: Sequence[str]) -> list[Judged]:
    """Checks entries of the collection and the mistakes in each.

    Args:
        names: Names of the entries.

    Returns:
        A judgement on each.
    """
    return [_judge(entry) for entry in FOREIGN if entry.name in names]


def absent(entry: Foreign) -> str:
    """The package that an entry needs and that is not installed; else empty."""
    return entry.package if entry.package and not find_spec(entry.package) else ""


def _judge(entry: Foreign) -> Judged:
    about = (entry.name, entry.source, entry.origin, entry.holds)
    if missing := absent(entry):
        return Judged(*about, right=None, wrong=(), absent=missing)
    jax.clear_caches()  # the first check of each is a first one, and the memory does not fill
    case = entry.make()
    right = answer(case, case.gradient)
    wrong = tuple(_judge_mistake(case, mistake) for mistake in case.mistakes)
    return Judged(*about, right=right, wrong=wrong)


def _judge_mistake(case: Case, mistake: Mistake) -> WrongOne:
    return verdict(mistake, answer(case, case.wrong(mistake)))


def verdict(mistake: Mistake, said: Said) -> WrongOne:
    """Whether what was said of a mistake catches it, and names it.

    Args:
        mistake: The mistake.
        said: The checker's answer to the gradient with the mistake.

    Returns:
        The verdict.

    Example:
        >>> from experiments.controls.foreign.mistakes import sign
        >>> said = Said(False, "This gradient is -1 times the right one.", False, 0.1)
        >>> verdict(sign(), said).named
        True
        >>> verdict(sign(), said._replace(text="A kink lies near.")).misnamed
        True
    """
    text = DENIED.sub("", said.text)
    names_it = bool(mistake.named and re.search(mistake.named, text))
    caught = said.passes is False or (said.refused and names_it)
    misnamed = caught and bool(re.search(mistake.never, text))
    named = caught and names_it and not misnamed
    return WrongOne(mistake.wrong, bool(mistake.named), caught, named, misnamed, said)


def answer(case: Case, gradient: Callable[..., Any]) -> Said:
    """What the checker says of a gradient, right or wrong, of a case's loss."""
    start, formula = time.perf_counter(), ("not told", "no report")
    try:
        report = _report(case, gradient)
        formula = report.formula, report.proof.note
        said = report.passes, " ".join(report.diagnosis), False
    except UsageError as error:
        said = None, str(error), True
    except Exception as error:  # a crash of the checker is a result, not the end of the run
        said = None, "".join(traceback.format_exception_only(error)).strip(), False
    return Said(*said, seconds=time.perf_counter() - start, formula=formula)


def _report(case: Case, gradient: Callable[..., Any]) -> gradcheck.Report:
    if case.loss is None:
        rule_check = gradcheck.check_rule
        return rule_check(gradient, *case.arguments, **case.options)
    return gradcheck.check(case.loss, gradient, *case.arguments, **case.options)
