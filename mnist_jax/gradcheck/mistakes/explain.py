"""Names the mistake in a wrong gradient."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist_jax.gradcheck.mistakes import derivatives
from mnist_jax.gradcheck.mistakes.constants import Constant, constants, is_plain, number
from mnist_jax.gradcheck.mistakes.data import arrays_of
from mnist_jax.gradcheck.mistakes.derivatives import Loss
from mnist_jax.gradcheck.mistakes.guesses import (
    factor,
    guess,
    not_finite,
    shared,
    unexplained,
    where_data_says,
)
from mnist_jax.gradcheck.mistakes.hypothesis import Hypothesis, at_places
from mnist_jax.gradcheck.mistakes.leaf import LOOSE, Leaf, fit, parallel
from mnist_jax.gradcheck.mistakes.other_data import of_data
from mnist_jax.gradcheck.mistakes.slips import column_against_row, wraps_around
from mnist_jax.gradcheck.mistakes.terms import terms_that_differ
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Program, Programs

# time limit of the search for a hypothesis that fits, in seconds
SECONDS = 2.5


def explain(leaves: list[Leaf], places: Sequence[Problem], programs: Programs | None) -> list[str]:
    """Names the mistake in a wrong gradient, as far as its numbers show one.

    The search starts with the numbers of each leaf: factors, rearrangements and terms. It then
    compares the gradient with gradients of the same loss with other data, or without one of its
    derivatives. Each statement holds at all points, and in all coordinates that it refers to.
    """
    broken = [leaf for leaf in leaves if np.any(leaf.wrong)]
    if not all(leaf.finite for leaf in broken):
        return [not_finite(leaf) for leaf in broken if not leaf.finite]
    loss = programs.loss if programs else None
    traced = isinstance(loss, Program) and not programs.without if programs else False
    data = arrays_of(loss.traced if loss else None, places[-1])
    known = constants(places[-1], data)
    if together := _together(broken, leaves, known):
        return [together]
    guesses = [guess(leaf, leaves, known, data) for leaf in broken]
    if not all(guesses) and traced and programs:
        unnamed = [leaf for leaf, words in zip(broken, guesses, strict=True) if not words]
        if words := _tried(unnamed, leaves, places, programs, known, data):
            return words + [
                _sentence(leaf, each, data)
                for leaf, each in zip(broken, guesses, strict=True)
                if each
            ]
    if any(guesses) or programs is None:
        return [
            _sentence(leaf, words or unexplained(leaf), data)
            for leaf, words in zip(broken, guesses, strict=True)
        ]
    places_of = [_sentence(leaf, unexplained(leaf), data) for leaf in broken]
    return [*_seen(broken, programs, places[0]), *places_of]


def _seen(broken: list[Leaf], programs: Programs, problem: Problem) -> list[str]:
    """Describes other observations, if no mistake is named."""
    observations = [PARALLEL] if parallel(broken) else []
    loss, hand = programs.value, programs.hand.traced
    for function, traced in (("the gradient", hand), ("the loss", loss)):
        if traced is not None and (words := column_against_row(traced)):
            observations.append(
                f"{function} {words}: flatten the column, if its entries belong to those of the row"
            )
    if hand is not None and loss is not None and (words := wraps_around(hand, loss, problem)):
        observations.append(f"the gradient {words}: convert it to floating numbers first")
    return observations


def _together(broken: list[Leaf], leaves: list[Leaf], known: list[Constant]) -> str:
    if len(broken) < 2 or len(broken) < len(leaves):
        return ""
    if any(np.any(~leaf.wrong & np.any(leaf.reference != 0, axis=0)) for leaf in broken):
        return ""
    words = shared(factor(leaf.at_wrong_points(), known) for leaf in broken)
    return f"the whole gradient {words}" if words else ""


def _sentence(leaf: Leaf, words: str, data: dict[str, Any]) -> str:
    if words.startswith("differs in"):
        return f"{leaf.name}: the gradient {words}"
    region = (
        "transposed" not in words
        and leaf.region
        and f"{leaf.region}{where_data_says(leaf.wrong, data)}"
    )
    return f"{leaf.name}{region or ''}: the gradient {words}"


def _tried(
    broken: list[Leaf],
    leaves: list[Leaf],
    places: Sequence[Problem],
    programs: Programs,
    known: list[Constant],
    data: dict[str, Any],
) -> list[str]:
    """Compares with the gradients of changed losses; empty if none fits."""
    assert isinstance(programs.loss, Program)
    assert programs.value is not None
    positions = [next(i for i, each in enumerate(leaves) if each is leaf) for leaf in broken]
    names = ", ".join(leaf.name for leaf in broken)
    loss = Loss(programs.value, len(leaves))
    if words := _without_epsilon(loss, broken, positions, places, known, data):
        return words
    words = terms_that_differ(loss, broken, positions, places, known)
    words = words or _wrong_axis(loss, broken, positions, places)
    deadline = time.thread_time() + SECONDS
    for hypothesis in (*of_data(programs.loss, loss, places[0]), *derivatives.of_rules(loss)):
        if words or time.thread_time() > deadline:
            break
        words = _holds(hypothesis, broken, positions, places, known)
    also = f". {PARALLEL}" if words and parallel(broken) else ""
    return [f"{names}: the gradient {words}{also}"] if words else []


def _without_epsilon(
    loss: Loss,
    broken: list[Leaf],
    positions: list[int],
    places: Sequence[Problem],
    known: list[Constant],
    data: dict[str, Any],
) -> list[str]:
    """Compares with the gradient of the loss without its epsilons."""
    bare = derivatives.without_epsilons(loss)
    others = at_places(bare, places) if bare else None
    if bare is None or others is None:
        return []
    against = [leaf.with_reference(others[i]) for leaf, i in zip(broken, positions, strict=True)]
    if not any(np.any(leaf.wrong) for leaf in against):
        names = ", ".join(leaf.name for leaf in broken)
        size = max(np.abs(leaf.ours - leaf.reference).max() for leaf in broken)
        size /= max(np.abs(leaf.reference).max() for leaf in broken)
        return [f"{names}: the gradient is right up to a relative {size:.0e}: it {bare.words}"]
    words = [guess(leaf, against, known, data) for leaf in against]
    if not all(words):
        return []
    reason = "the loss contains an epsilon that the gradient leaves out"
    pairs = zip(against, words, strict=True)
    return [f"{_sentence(leaf, each, data)} ({reason})" for leaf, each in pairs]


def _wrong_axis(
    loss: Loss, broken: list[Leaf], positions: list[int], places: Sequence[Problem]
) -> str:
    """Describes a softmax over the wrong axis, if that explains the error."""
    for words, added in derivatives.of_axes(loss):
        extra = at_places(Hypothesis(words, added), places)
        if extra is None:
            continue
        pairs = zip(broken, positions, strict=True)
        fits = [fit(leaf.ours - leaf.reference, extra[i], leaf.tolerance) for leaf, i in pairs]
        if all(found and not found.relative for found in fits):
            return words
    return ""


def _holds(
    hypothesis: Hypothesis,
    broken: list[Leaf],
    positions: list[int],
    places: Sequence[Problem],
    known: list[Constant],
) -> str:
    # one point refutes most hypotheses
    point = len(places) - 1
    first = at_places(hypothesis, places[point:])
    if first is None or not all(
        _fits(Leaf(leaf.name, *(a[point:] for a in leaf[1:])), first[i])
        for leaf, i in zip(broken, positions, strict=True)
    ):
        return ""
    whole = at_places(hypothesis, places)
    if whole is None:
        return ""
    factors = []
    for leaf, i in zip(broken, positions, strict=True):
        if np.allclose(whole[i], leaf.reference, rtol=1e-9, atol=0):
            return ""  # without an effect on this leaf, it explains nothing
        found = fit(leaf.ours, whole[i], leaf.tolerance)
        if found is None or found.relative or not is_plain(found.factor, known):
            return ""
        factors.append(round(found.factor, 6))
    if len(set(factors)) > 1:
        return ""
    times = "" if factors[0] == 1 else f", and is {number(factors[0])} times too large"
    return f"{hypothesis.words}{times}"


def _fits(leaf: Leaf, other: np.ndarray) -> bool:
    found = fit(leaf.ours, other, leaf.tolerance)
    return found is not None and not found.relative and abs(found.factor) > LOOSE


PARALLEL = (
    "It is parallel to autodiff's at every point, with a different factor at each: the derivative "
    "of an outermost function, such as a root or a logarithm, is missing or applied twice"
)
