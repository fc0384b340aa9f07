"""Runs the checker on the foreign gradients: the work of one process."""

import re
import time
import traceback
from importlib.util import find_spec
from typing import NamedTuple

import jax

from experiments.controls.foreign import FOREIGN, Case, Foreign, Mistake
from experiments.controls.foreign.entry import Gradient
from mnist_jax import gradcheck
from mnist_jax.errors import UsageError

DENIED = re.compile(r"\bno (constant|common|multiple|rearrangement)[^.;]*")
"""Parts of a diagnosis that exclude a mistake; they do not name it."""


class Response(NamedTuple):
    """The response of the checker to one gradient."""

    passes: bool | None  # verdict; None if an error was raised
    text: str  # diagnosis, or message of the error
    refused: bool  # whether a `UsageError` was raised; any other error is a crash
    seconds: float  # duration in seconds, including compilation
    formula: tuple[str, str] = ("not told", "")  # verdict on the formula, and its note


class WrongOne(NamedTuple):
    """The judgement on a mistake."""

    wrong: str  # description of the mistake
    nameable: bool  # whether the mistake has a common name
    caught: bool  # whether the gradient fails, or raises an error that names the mistake
    named: bool  # whether the diagnosis names the mistake
    misnamed: bool  # whether the diagnosis makes a false statement
    said: Response  # response of the checker


class Judged(NamedTuple):
    """The judgement on an entry of the collection."""

    name: str  # name of the entry
    source: str  # source of the entry
    origin: str  # origin of the entry
    holds: str  # form of the gradient and its data
    right: Response | None  # response to the correct gradient
    wrong: tuple[WrongOne, ...]  # judgements on the mistakes
    absent: str = ""  # package that is missing, in which case nothing was checked; otherwise empty

    @property
    def passed(self) -> bool:
        """Whether the correct gradient passes."""
        return bool(self.right and self.right.passes)


def absent(entry: Foreign) -> str:
    """Returns the missing package that an entry needs; empty if there is none."""
    return entry.package if entry.package and not find_spec(entry.package) else ""


def judge(name: str) -> Judged:
    """Checks an entry of the collection, given its name, and the mistakes in it."""
    entry = next(entry for entry in FOREIGN if entry.name == name)
    about = (entry.name, entry.source, entry.origin, entry.holds)
    if missing := absent(entry):
        return Judged(*about, right=None, wrong=(), absent=missing)
    jax.clear_caches()  # so that the first check includes compilation, and memory is freed
    case = entry.make()
    right = answer(case, case.gradient)
    wrong = (verdict(mistake, answer(case, case.wrong(mistake))) for mistake in case.mistakes)
    return Judged(*about, right=right, wrong=tuple(wrong))


def verdict(mistake: Mistake, said: Response) -> WrongOne:
    """Judges whether a response of the checker catches a mistake and names it.

    Example:
        >>> from experiments.controls.foreign.mistakes import sign
        >>> said = Response(False, "This gradient is -1 times the right one.", False, 0.1)
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


def answer(case: Case, gradient: Gradient) -> Response:
    """Runs the checker on a correct or wrong gradient of a case."""
    start, formula = time.perf_counter(), ("not told", "no report")
    try:
        if case.loss is None:
            report = gradcheck.check_rule(gradient, *case.arguments, **case.options)
        else:
            report = gradcheck.check(case.loss, gradient, *case.arguments, **case.options)
        formula = report.formula, report.proof.note
        said = report.passes, " ".join(report.diagnosis), False
    except UsageError as error:
        said = None, str(error), True
    except Exception as error:  # a crash of the checker is a result, not the end of the run
        said = None, "".join(traceback.format_exception_only(error)).strip(), False
    return Response(*said, seconds=time.perf_counter() - start, formula=formula)
