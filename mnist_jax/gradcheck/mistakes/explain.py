"""Names the mistake in a wrong gradient."""

from collections.abc import Sequence

import numpy as np

from mnist_jax.gradcheck.mistakes.data import arrays_of
from mnist_jax.gradcheck.mistakes.factors import Candidate, candidates
from mnist_jax.gradcheck.mistakes.guesses import (
    factor,
    guess,
    not_finite,
    sentence,
    unexplained,
)
from mnist_jax.gradcheck.mistakes.leaf import Leaf, parallel
from mnist_jax.gradcheck.mistakes.search import PARALLEL, Search
from mnist_jax.gradcheck.mistakes.slips import column_against_row, wraps_around
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Program, Programs


def explain(leaves: list[Leaf], places: Sequence[Problem], programs: Programs | None) -> list[str]:
    """Names the mistake in a wrong gradient, as far as its numbers show one.

    The search starts with the numbers of each leaf: factors, rearrangements and terms. It then
    compares the gradient with gradients of the same loss with other data, or without one of its
    derivatives. Each statement holds at all points, and in all coordinates that it refers to.

    Args:
        leaves: All leaves, including correct ones, with their values at each point.
        places: Problem at each point, in float64.
        programs: Programs in float64; None to consider only the numbers.

    Returns:
        A sentence for each wrong leaf, or one sentence for leaves with the same mistake.
    """
    broken = [leaf for leaf in leaves if np.any(leaf.wrong)]
    if not all(leaf.finite for leaf in broken):
        return [not_finite(leaf) for leaf in broken if not leaf.finite]
    data = arrays_of(programs.loss.traced if programs else None, places[-1])
    known = candidates(places[-1], data)
    if together := _together(broken, leaves, known):
        return [together]
    guesses = [guess(leaf, leaves, known, data) for leaf in broken]
    pairs = list(zip(broken, guesses, strict=True))
    unnamed = [leaf for leaf, words in pairs if not words]
    if programs and unnamed and isinstance(programs.loss, Program) and not programs.without:
        found = Search(unnamed, leaves, places, programs, known, data).sentences()
        if found:
            return found + [sentence(leaf, words, data) for leaf, words in pairs if words]
    sentences = [sentence(leaf, words or unexplained(leaf), data) for leaf, words in pairs]
    if any(guesses) or programs is None:
        return sentences
    return [*_seen(broken, programs, places[0]), *sentences]


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


def _together(broken: list[Leaf], leaves: list[Leaf], known: list[Candidate]) -> str:
    if len(broken) < 2 or len(broken) < len(leaves):
        return ""
    if any(np.any(~leaf.wrong & np.any(leaf.reference != 0, axis=0)) for leaf in broken):
        return ""
    words = {factor(leaf.at_wrong_points(), known) for leaf in broken}
    return f"the whole gradient {words.pop()}" if len(words) == 1 and all(words) else ""
