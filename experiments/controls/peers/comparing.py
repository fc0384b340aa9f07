"""Runs every checker on the same gradients: the work of one process."""

import time
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Literal, NamedTuple

import jax
import numpy as np

from experiments.controls.foreign import FOREIGN
from experiments.controls.foreign.entry import Case, Gradient
from experiments.controls.foreign.judging import absent, answer
from experiments.controls.mutations import MUTATIONS
from experiments.controls.peers import PEERS
from experiments.controls.peers.subject import Peer, Subject, subject
from experiments.controls.problems import REAL, problem
from experiments.controls.tasks import TASKS

Group = Literal["mutations", "problems", "foreign"]
OURS = "mnist_jax"
RIGHT_PROBLEMS = 48
# scale of the weights: larger weights saturate, and smaller ones hide the penalty
WEIGHTS = 0.3


class Work(NamedTuple):
    """A unit of work: a mutation, a problem, or a foreign entry.

    Attributes:
        group: Collection that it belongs to.
        name: Name, or number of the problem.
    """

    group: Group
    name: str


class Answer(NamedTuple):
    """The verdict of one checker on one gradient.

    Attributes:
        work: Unit of work with the gradient.
        checker: Name of the checker.
        right: Whether the gradient is correct.
        passes: Whether the checker passes the gradient, at each threshold.
        threshold: Threshold of the verdict; None for mnist_jax.
        seconds: Duration of the check at that threshold, in seconds.
    """

    work: Work
    checker: str
    right: bool
    passes: dict[float | None, bool]
    threshold: float | None
    seconds: float


def everything(seed: int = 0) -> list[Work]:
    """Lists the mutations, a sample of the random problems, and the foreign gradients.

    Args:
        seed: Seed of the problems.

    Returns:
        The units of work.
    """
    small = (n for n in range(10 * RIGHT_PROBLEMS) if problem(n, seed).kind.shape[2] != REAL.inputs)
    return [
        *(Work("foreign", entry.name) for entry in FOREIGN if not absent(entry)),
        *(Work("mutations", mutation.name) for mutation in MUTATIONS),
        *(Work("problems", str(n)) for n, _ in zip(small, range(RIGHT_PROBLEMS), strict=False)),
    ]


def missing() -> list[str]:
    """Returns the checkers whose packages are not installed."""
    return [peer.name for peer in PEERS if peer.package and not find_spec(peer.package)]


def compare(batch: Sequence[Work]) -> list[list[Answer]]:
    """Runs every checker on every gradient of a batch.

    Args:
        batch: Units of work.

    Returns:
        The answers for each unit; for foreign gradients without mnist_jax, which `foreign.judging`
        runs.
    """
    present = [peer for peer in PEERS if peer.name not in missing()]
    warmed_up(present)
    return [_answers(work, present) for work in batch]


def _answers(work: Work, peers: Sequence[Peer]) -> list[Answer]:
    jax.clear_caches()  # frees memory
    answers = []
    for case, gradient, right in _gradients(work):
        if work.group != "foreign":  # foreign.judging runs mnist_jax on those
            answers.append(_ours(work, case, gradient, right))
        given = subject(case, gradient)
        answers += [_theirs(work, peer, given, right) for peer in peers]
    return answers


def warmed_up(peers: Sequence[Peer]) -> None:
    """Runs each checker once, so that imports are not part of the durations."""
    square = Subject(lambda x: x @ x, lambda x: 2 * x, np.ones(2))
    for peer in peers:
        peer.passes(square, peer.threshold)


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
        case = Case(TASKS[mutation.task].loss, mutation.gradient, (drawn, *data), ())
        yield case, mutation.gradient, False
    else:
        given = problem(int(work.name), seed=0)
        loss, gradient = TASKS[given.kind.task]
        yield Case(loss, gradient, given.arguments, ()), gradient, True


def _ours(work: Work, case: Case, gradient: Gradient, right: bool) -> Answer:
    said = answer(case, gradient)
    return Answer(work, OURS, right, {None: said.passes is True}, None, said.seconds)


def _theirs(work: Work, peer: Peer, given: Subject, right: bool) -> Answer:
    start = time.perf_counter()
    stated = _passes(peer, given, peer.threshold)
    seconds = time.perf_counter() - start
    # the verdict is monotone in the threshold
    others = {
        each: stated if (each > peer.threshold) is stated else _passes(peer, given, each)
        for each in peer.others
    }
    passes: dict[float | None, bool] = {peer.threshold: stated, **others}
    return Answer(work, peer.name, right, passes, peer.threshold, seconds)


def _passes(peer: Peer, given: Subject, threshold: float) -> bool:
    try:
        with warnings.catch_warnings():  # overflow is expected at some points
            warnings.simplefilter("ignore")
            return peer.passes(given, threshold)
    except Exception:  # a checker that raises does not pass the gradient
        return False
