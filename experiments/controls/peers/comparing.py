"""What every checker says of the same gradients: the work of one process."""

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
# larger weights saturate, and smaller ones hide the penalty
WEIGHTS = 0.3


class Work(NamedTuple):
    """One thing to compare on: a mutation's, a problem's, or an entry's name.

    Attributes:
        group: Which collection it is of.
        name: Its name, or its number.
    """

    group: Group
    name: str


class Answer(NamedTuple):
    """What one checker said of one gradient.

    Attributes:
        work: Whose gradient.
        checker: Which checker.
        right: Whether the gradient is right.
        passes: At each threshold, whether the checker passes it.
        threshold: The threshold that counts; None for ours.
        seconds: Seconds that the check took at that threshold.
    """

    work: Work
    checker: str
    right: bool
    passes: dict[float | None, bool]
    threshold: float | None
    seconds: float


def everything(seed: int = 0) -> list[Work]:
    """The mutations, a sample of the problems with right gradients, and the foreign gradients.

    Args:
        seed: Seed of the problems.

    Returns:
        What there is to compare on.
    """
    small = (n for n in range(10 * RIGHT_PROBLEMS) if problem(n, seed).kind.shape[2] != REAL.inputs)
    return [
        *(Work("foreign", entry.name) for entry in FOREIGN if not absent(entry)),
        *(Work("mutations", mutation.name) for mutation in MUTATIONS),
        *(Work("problems", str(n)) for n, _ in zip(small, range(RIGHT_PROBLEMS), strict=False)),
    ]


def missing() -> list[str]:
    """The checkers whose packages are not installed."""
    return [peer.name for peer in PEERS if peer.package and not find_spec(peer.package)]


def compare(batch: Sequence[Work]) -> list[list[Answer]]:
    """Asks every checker about every gradient of a batch.

    Args:
        batch: What to compare on.

    Returns:
        The answers for each piece of work; of the foreign gradients, those of the others alone.
    """
    present = [peer for peer in PEERS if peer.name not in missing()]
    warmed_up(present)
    return [_answers(work, present) for work in batch]


def _answers(work: Work, peers: Sequence[Peer]) -> list[Answer]:
    jax.clear_caches()  # so that the memory does not fill
    answers = []
    for case, gradient, right in _gradients(work):
        if work.group != "foreign":  # there, ours is judged in greater detail elsewhere
            answers.append(_ours(work, case, gradient, right))
        given = subject(case, gradient)
        answers += [_theirs(work, peer, given, right) for peer in peers]
    return answers


def warmed_up(peers: Sequence[Peer]) -> None:
    """Imports what the checkers import, so that it is in nobody's seconds."""
    square = Subject(lambda x: x @ x, lambda x: 2 * x, np.ones(2))
    for peer in peers:
        peer.passes(square, peer.threshold)


def _gradients(work: Work) -> Iterator[tuple[Case, Gradient, bool]]:
    """Each gradient of a piece of work with its case, and whether it is right."""
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
    # what passes, passes a wider threshold; what fails, fails a tighter one
    others = {
        each: stated if (each > peer.threshold) is stated else _passes(peer, given, each)
        for each in peer.others
    }
    passes: dict[float | None, bool] = {peer.threshold: stated, **others}
    return Answer(work, peer.name, right, passes, peer.threshold, seconds)


def _passes(peer: Peer, given: Subject, threshold: float) -> bool:
    try:
        with warnings.catch_warnings():  # overflow far from the optimum is not the question
            warnings.simplefilter("ignore")
            return peer.passes(given, threshold)
    except Exception:  # whatever a checker raises, its user does not see a pass
        return False
