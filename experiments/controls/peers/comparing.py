"""Runs every checker on the same gradients: the work of one process."""

import time
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

import jax
import numpy as np

from experiments.controls.foreign import FOREIGN
from experiments.controls.foreign.entry import Case, Gradient
from experiments.controls.foreign.judging import absent, answer
from experiments.controls.mutations import MUTATIONS
from experiments.controls.peers.checkers import PEERS, Peer, missing
from experiments.controls.peers.subject import Subject, subject
from experiments.controls.problems import REAL, problem
from experiments.controls.tasks import TASKS

Group = Literal["mutations", "problems", "foreign"]
OURS = "mnist_jax"
RIGHT_PROBLEMS = 48
# scale of the weights: larger weights saturate, and smaller ones hide the penalty
WEIGHTS = 0.3


class Work(NamedTuple):
    """A unit of work: a mutation, a problem, or a foreign entry."""

    group: Group  # collection that it belongs to
    name: str  # name, or number of the problem


class Answer(NamedTuple):
    """The verdict of one checker on one gradient."""

    work: Work  # unit of work with the gradient
    checker: str  # name of the checker
    right: bool  # whether the gradient is correct
    passes: dict[float | None, bool]  # whether the checker passes the gradient, at each threshold
    threshold: float | None  # threshold of the verdict; None for mnist_jax
    seconds: float  # duration of the check at that threshold, in seconds


def ours(work: Work, right: bool, passes: bool, seconds: float) -> Answer:
    """Returns the answer of mnist_jax."""
    return Answer(work, OURS, right, {None: passes}, None, seconds)


def everything() -> list[Work]:
    """Lists the foreign gradients, the mutations, and a sample of the random problems."""
    small = (n for n in range(10 * RIGHT_PROBLEMS) if problem(n, 0).kind.shape[2] != REAL.inputs)
    return [
        *(Work("foreign", entry.name) for entry in FOREIGN if not absent(entry)),
        *(Work("mutations", mutation.name) for mutation in MUTATIONS),
        *(Work("problems", str(n)) for n, _ in zip(small, range(RIGHT_PROBLEMS), strict=False)),
    ]


def compare(work: Work) -> list[Answer]:
    """Runs every checker on the gradients of a unit of work.

    On foreign gradients, mnist_jax is left out, because `foreign.judging` runs it.
    """
    present = warmed_up(PEERS)
    jax.clear_caches()  # frees memory
    answers = []
    for case, gradient, right in _gradients(work):
        if work.group != "foreign":
            said = answer(case, gradient)
            answers.append(ours(work, right, said.passes is True, said.seconds))
        given = subject(case, gradient)
        answers += [_theirs(work, peer, given, right) for peer in present]
    return answers


@cache
def warmed_up(peers: tuple[Peer, ...]) -> list[Peer]:
    """Returns the installed checkers; runs each once, so that no duration includes an import."""
    present = [peer for peer in peers if peer.name not in missing()]
    square = Subject(lambda x: x @ x, lambda x: 2 * x, np.ones(2))
    for peer in present:
        peer.passes(square, peer.threshold)
    return present


def _gradients(work: Work) -> Iterator[tuple[Case, Gradient, bool]]:
    """Yields each gradient of a unit of work with its case, and whether it is correct."""
    if work.group == "foreign":
        case = next(entry for entry in FOREIGN if entry.name == work.name).make()
        yield case, case.gradient, True
        yield from ((case, case.wrong(mistake), False) for mistake in case.mistakes)
    elif work.group == "mutations":
        mutation = next(each for each in MUTATIONS if each.name == work.name)
        weights, *data = mutation.arguments()
        drawn = WEIGHTS * np.random.default_rng(0).normal(size=weights.shape)
        case = Case(TASKS[mutation.task].loss, mutation.gradient, (drawn, *data))
        yield case, mutation.gradient, False
    else:
        kind, arguments = problem(int(work.name), seed=0)
        loss, gradient = TASKS[kind.task]
        yield Case(loss, gradient, arguments), gradient, True


def _theirs(work: Work, peer: Peer, given: Subject, right: bool) -> Answer:
    start = time.perf_counter()
    stated = _passes(peer, given, peer.threshold)
    seconds = time.perf_counter() - start
    passes: dict[float | None, bool] = {peer.threshold: stated}
    for other in peer.others:
        # the verdict is monotone in the threshold
        known = (other > peer.threshold) is stated
        passes[other] = stated if known else _passes(peer, given, other)
    return Answer(work, peer.name, right, passes, peer.threshold, seconds)


def _passes(peer: Peer, given: Subject, threshold: float) -> bool:
    try:
        with warnings.catch_warnings():  # overflow is expected at some points
            warnings.simplefilter("ignore")
            return peer.passes(given, threshold)
    except Exception:  # a checker that raises does not pass the gradient
        return False
