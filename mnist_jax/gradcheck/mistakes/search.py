"""Searches for a changed loss whose gradient is the hand-written one."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist_jax.gradcheck.mistakes import derivatives
from mnist_jax.gradcheck.mistakes.derivatives import Gradient, Loss
from mnist_jax.gradcheck.mistakes.factors import Candidate, describe_factor, is_plain, number
from mnist_jax.gradcheck.mistakes.guesses import guess, sentence
from mnist_jax.gradcheck.mistakes.leaf import Fit, Leaf, fit, parallel
from mnist_jax.gradcheck.mistakes.other_data import of_data
from mnist_jax.gradcheck.problem import Problem
from mnist_jax.gradcheck.programs import Program, Programs
from mnist_jax.gradcheck.tuning import EXPLAINED, LOOSE, SEARCH


class Search:
    """A search for a changed loss whose gradient is the hand-written one in some leaves.

    Args:
        broken: Leaves to explain.
        leaves: All leaves.
        places: Problem at each point, in float64.
        programs: Programs in float64.
        known: Candidates for a factor.
        data: Data by name.
    """

    def __init__(
        self,
        broken: list[Leaf],
        leaves: list[Leaf],
        places: Sequence[Problem],
        programs: Programs,
        known: list[Candidate],
        data: dict[str, Any],
    ) -> None:
        assert isinstance(programs.loss, Program)
        assert programs.value is not None
        self.broken, self.places, self.program = broken, places, programs.loss
        self.known, self.data = known, data
        self.loss = Loss(programs.value, len(leaves))
        self.positions = [i for i, leaf in enumerate(leaves) if any(leaf is b for b in broken)]

    def sentences(self) -> list[str]:
        """Describes the first change that fits; empty if none does."""
        if words := self._without_epsilon():
            return words
        words = self._terms() or self._wrong_axis()
        deadline = time.thread_time() + SEARCH
        hypotheses = (
            *of_data(self.program, self.loss, self.places[0]),
            *derivatives.of_rules(self.loss),
        )
        for predicate, gradient in hypotheses:
            if words or time.thread_time() > deadline:
                break
            words = predicate + times if (times := self._times(gradient)) is not None else ""
        also = f". {PARALLEL}" if words and parallel(self.broken) else ""
        return [f"{self._names}: the gradient {words}{also}"] if words else []

    @property
    def _names(self) -> str:
        return ", ".join(leaf.name for leaf in self.broken)

    def _at(self, gradient: Gradient, places: Sequence[Problem]) -> list[np.ndarray] | None:
        """Computes the leaves of another gradient at several points; None if that fails."""
        try:
            found = [gradient(place) for place in places]
        except Exception:  # a changed loss may be invalid
            return None
        stacked = [np.stack(each) for each in zip(*found, strict=True)]
        finite = all(np.all(np.isfinite(leaf)) for leaf in stacked)
        return [stacked[i] for i in self.positions] if finite else None

    def _without_epsilon(self) -> list[str]:
        """Compares with the gradient of the loss without its epsilons."""
        bare = derivatives.without_epsilons(self.loss)
        others = self._at(bare[1], self.places) if bare else None
        if bare is None or others is None:
            return []
        against = [leaf.with_reference(x) for leaf, x in zip(self.broken, others, strict=True)]
        if not any(np.any(leaf.wrong) for leaf in against):
            size = max(np.abs(leaf.ours - leaf.reference).max() for leaf in self.broken)
            size /= max(np.abs(leaf.reference).max() for leaf in self.broken)
            right = f"the gradient is right up to a relative {size:.0e}: it {bare[0]}"
            return [f"{self._names}: {right}"]
        words = [guess(leaf, against, self.known, self.data) for leaf in against]
        if not all(words):
            return []
        reason = "the loss contains an epsilon that the gradient leaves out"
        pairs = zip(against, words, strict=True)
        return [f"{sentence(leaf, each, self.data)} ({reason})" for leaf, each in pairs]

    def _terms(self) -> str:
        """Describes the terms of the loss at which the gradient has a wrong factor."""
        parts = [self._at(gradient, self.places) for gradient in derivatives.of_terms(self.loss)]
        if len(parts) < 2 or any(part is None for part in parts):
            return ""
        columns = [np.concatenate([leaf.ravel() for leaf in part]) for part in parts if part]
        ours = np.concatenate([leaf.ours.ravel() for leaf in self.broken])
        tolerance = np.concatenate([leaf.tolerance.ravel() for leaf in self.broken])
        matrix = np.stack(columns, axis=1)
        sizes = np.abs(matrix).max(axis=0)
        if not np.all(sizes) or len(ours) < 3 * len(parts):
            return ""
        factors = np.linalg.lstsq(matrix / sizes, ours, rcond=None)[0] / sizes
        factors = np.array([_rounded(f) for f in factors])
        if np.any(np.abs(matrix @ factors - ours) > 8 * (1 + np.abs(factors).max()) * tolerance):
            return ""
        wrong = [i for i, f in enumerate(factors) if f != 1]
        plain = all(is_plain(factors[i], self.known) or not factors[i] for i in wrong)
        if len(wrong) in {0, len(parts)} or not plain:
            return ""
        terms = [derivatives.describe_term(self.loss, i, self.places[0]) for i in wrong]
        return " and ".join(
            f"is {describe_factor(Fit(float(factors[i]), 0.0), self.known)}, in {term}"
            if factors[i]
            else f"leaves out {term}"
            for i, term in zip(wrong, terms, strict=True)
        )

    def _wrong_axis(self) -> str:
        """Describes a softmax over the wrong axis, if that explains the error."""
        for words, added in derivatives.of_axes(self.loss):
            if (extra := self._at(added, self.places)) is None:
                continue
            pairs = zip(self.broken, extra, strict=True)
            fits = [fit(leaf.ours - leaf.reference, x, leaf.tolerance) for leaf, x in pairs]
            if all(found and not found.relative for found in fits):
                return words
        return ""

    def _times(self, gradient: Gradient) -> str | None:
        """Describes the factor of another gradient in the hand-written one; None if none fits."""
        last = self._at(gradient, self.places[-1:])  # one point refutes most hypotheses
        if last is None or not all(map(_fits_last, self.broken, last)):
            return None
        if (whole := self._at(gradient, self.places)) is None:
            return None
        factors = set()
        for leaf, other in zip(self.broken, whole, strict=True):
            if np.allclose(other, leaf.reference, rtol=1e-9, atol=0):
                return None  # without an effect on this leaf, it explains nothing
            found = fit(leaf.ours, other, leaf.tolerance)
            if found is None or found.relative or not is_plain(found.factor, self.known):
                return None
            factors.add(round(found.factor, 6))
        if len(factors) > 1:
            return None
        times = factors.pop()
        return "" if times == 1 else f", and is {number(times)} times too large"


def _fits_last(leaf: Leaf, other: np.ndarray) -> bool:
    found = fit(leaf.ours[-1:], other, leaf.tolerance[-1:])
    return found is not None and not found.relative and abs(found.factor) > LOOSE


def _rounded(value: float) -> float:
    """Rounds a factor that is close to a plain number to that number."""
    for plain in (0.0, 1.0, -1.0, 2.0, 0.5):
        if abs(value - plain) < EXPLAINED:
            return plain
    nearest = round(value)
    if nearest and abs(value / nearest - 1) < EXPLAINED:
        return float(nearest)
    inverse = round(1 / value)
    return 1 / inverse if inverse and abs(value * inverse - 1) < EXPLAINED else value


PARALLEL = (
    "It is parallel to autodiff's at every point, with a different factor at each: the derivative "
    "of an outermost function, such as a root or a logarithm, is missing or applied twice"
)
