"""Guesses at the mistake in one leaf of a gradient: factors, rearrangements, terms."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mnist_jax.gradcheck.mistakes.factors import (
    Candidate,
    describe_factor,
    named,
    number,
)
from mnist_jax.gradcheck.mistakes.leaf import Leaf, fit, listed
from mnist_jax.gradcheck.tuning import NOTHING, SINGLE, SLACK


def guess(leaf: Leaf, leaves: Sequence[Leaf], known: list[Candidate], data: dict[str, Any]) -> str:
    """Guesses the mistake in a wrong, finite leaf from its numbers alone.

    The guess is the predicate of a sentence that starts with "the gradient"; empty if nothing fits.
    """
    part = leaf.at_wrong_points().wrong_coordinates()
    guesses = (
        _single(part),
        "is zero where autodiff's is not" * bool(np.all(np.abs(part.ours) <= part.tolerance)),
        factor(part, known),
        _ratio(leaf, data),
        next((words for words, other in _arranged(leaf, leaves) if _equal(leaf, other)), ""),
        _term(part, leaf.name, known),
        _difference(leaf, data, known),
    )
    return next((each for each in guesses if each), "")


def factor(part: Leaf, known: list[Candidate]) -> str:
    """Tests for a constant factor."""
    found = fit(part.ours, part.reference, part.tolerance)
    if found is None or abs(found.factor) < NOTHING:
        return ""
    is_one = found.relative and abs(found.factor - 1) < 10 * found.relative
    return "" if is_one else f"is {describe_factor(found, known)}"


def _single(part: Leaf) -> str:
    """Tests whether a float64 gradient was rounded to float32."""
    with np.errstate(over="ignore"):
        rounded = part.ours.astype(np.float32).astype(np.float64)
        reference = part.reference.astype(np.float32).astype(np.float64)
    close = np.abs(part.ours - part.reference) <= SINGLE * np.abs(part.reference).max(initial=0)
    if np.all(rounded == part.ours) and np.any(reference != part.reference) and np.all(close):
        return "is rounded to float32: something computes in single precision, or returns it"
    return ""


def _ratio(leaf: Leaf, data: dict[str, Any]) -> str:
    """Tests whether an argument is a missing or an additional factor."""
    for name, array in data.items():
        if np.ndim(array) == 0 or np.size(array) < 2 or not _fits(array, leaf):
            continue
        values = np.asarray(array, np.float64)
        if np.allclose(values, values.flat[0]):
            continue
        if _same(leaf, leaf.ours * values, leaf.reference):
            return f"forgets {name}: autodiff's is {name} times it"
        if _same(leaf, leaf.ours, leaf.reference * values):
            return f"is {name} times autodiff's: {name} occurs once too often"
    return ""


def _same(leaf: Leaf, a: np.ndarray, b: np.ndarray) -> bool:
    size = 1 + np.abs(np.divide(b, leaf.reference, where=leaf.reference != 0, out=np.ones_like(b)))
    return bool(np.all(np.abs(a - b) <= SLACK * size * leaf.tolerance.max()))


def _fits(values: Any, leaf: Leaf) -> bool:
    shape = leaf.ours.shape[1:]
    try:
        return np.broadcast_shapes(np.shape(values), shape) == shape
    except ValueError:
        return False


def _arranged(leaf: Leaf, leaves: Sequence[Leaf]) -> Iterator[tuple[str, np.ndarray]]:
    """Yields rearrangements of autodiff's gradient, each with a description."""
    right, axes = leaf.reference, range(1, leaf.ours.ndim)
    if right.ndim == 3 and right.shape[1] == right.shape[2]:
        yield "is transposed", right.swapaxes(1, 2)
    for axis in axes:
        if right.shape[axis] > 2:
            yield f"is reversed along axis {axis - 1}", np.flip(right, axis)
        for shift in (1, -1):
            yield f"is shifted by {shift} along axis {axis - 1}", np.roll(right, shift, axis)
        yield from _exchanged(leaf, axis)
    for axis in axes:
        mean = np.broadcast_to(right.mean(axis, keepdims=True), right.shape)
        yield f"is autodiff's averaged over axis {axis - 1}", mean
        yield f"is autodiff's summed over axis {axis - 1}", mean * right.shape[axis]
    for other in leaves:
        if other is not leaf and other.reference.shape == right.shape:
            yield f"is that of {other.name}, exchanged", other.reference


def _exchanged(leaf: Leaf, axis: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields autodiff's gradient with the two wrong slices of an axis exchanged."""
    others = tuple(a for a in range(leaf.wrong.ndim) if a != axis - 1)
    touched = np.flatnonzero(leaf.wrong.any(axis=others))
    if len(touched) == 2:
        exchanged = leaf.reference.copy()
        slices = np.take(leaf.reference, touched[::-1], axis)
        np.moveaxis(exchanged, axis, 0)[touched] = np.moveaxis(slices, axis, 0)
        yield f"has {touched[0]} and {touched[1]} along axis {axis - 1} exchanged", exchanged


def _equal(leaf: Leaf, other: np.ndarray) -> bool:
    return bool(np.all(np.abs(leaf.ours - other) <= SLACK * leaf.tolerance.max()))


def _term(part: Leaf, name: str, known: list[Candidate]) -> str:
    """Tests whether the difference is a multiple of the weights, or a constant."""
    several = np.sum(np.abs(part.weights) > 0) > 1
    if several and (found := _extra(part, part.weights, known, "term")):
        return f"{found} times {name}, as from a penalty"
    found = _extra(part, np.ones_like(part.ours), known, "constant term")
    return f"{found} in each coordinate" if found else ""


def _difference(leaf: Leaf, data: dict[str, Any], known: list[Candidate]) -> str:
    """Tests whether the difference is a multiple of an array of the data."""
    for name, values in data.items():
        if np.ndim(values) and _fits(values, leaf) and np.any(values):
            term = np.broadcast_to(np.asarray(values, np.float64), leaf.ours.shape)
            if found := _extra(leaf, term, known, "term"):
                return f"{found} times {name}"
    return ""


def _extra(leaf: Leaf, term: np.ndarray, known: list[Candidate], what: str) -> str:
    found = fit(leaf.ours - leaf.reference, term, leaf.tolerance)
    if found is None or found.relative or not abs(found.factor) > NOTHING:
        return ""
    verb = "has an extra" if found.factor > 0 else "lacks a"
    return f"{verb} {what}: {named(abs(found.factor), known)}"


def sentence(leaf: Leaf, words: str, data: dict[str, Any]) -> str:
    """Says of which coordinates of a leaf a predicate holds."""
    region = ""
    if leaf.region and "transposed" not in words and not words.startswith("differs in"):
        region = f"{leaf.region}{where_data_says(leaf.wrong, data)}"
    return f"{leaf.name}{region}: the gradient {words}"


def where_data_says(wrong: np.ndarray, data: dict[str, Any]) -> str:
    """Names the value that an array of the data has at all wrong coordinates, and only there."""
    for name, array in data.items():
        values = np.asarray(array)
        if values.shape != wrong.shape or wrong.all() or not wrong.any():
            continue
        inside, outside = np.unique(values[wrong]), np.unique(values[~wrong])
        if len(inside) == 1 and inside[0] not in outside:
            return f", where {name} is {inside[0]:g}"
        if len(outside) == 1 and outside[0] not in inside:
            return f", where {name} is not {outside[0]:g}"
        for sign, sides in ((">", (inside, outside)), ("<", (-inside, -outside))):
            if np.all(sides[0] > 0) and np.all(sides[1] <= 0):
                return f", where {name} {sign} 0"
    return ""


def unexplained(leaf: Leaf) -> str:
    """Describes where a leaf is wrong, and by how much, if no guess fits."""
    part = leaf.at_wrong_points().wrong_coordinates()
    errors = np.abs(part.ours - part.reference)
    size = np.abs(leaf.reference).max() or 1.0
    worst = np.unravel_index(np.argmax(errors), errors.shape)
    wrong = leaf.wrong
    few = f" (at {listed(wrong)})" if not wrong.all() or wrong.size <= 5 else ""
    return (
        f"differs in {wrong.sum()} of {wrong.size} coordinates{few}, by up to "
        f"{errors.max() / size:.1e} of the largest; at the worst it is "
        f"{number(part.ours[worst])} in place of {number(part.reference[worst])}. It is no "
        "constant factor, no multiple of the weights and no rearrangement"
    )


def not_finite(leaf: Leaf) -> str:
    """Describes where a leaf is not finite."""
    parts = []
    for who, values in (("the gradient", leaf.ours), ("autodiff's", leaf.reference)):
        bad = np.any(~np.isfinite(values), axis=0)
        if np.any(bad):
            parts.append(
                f"{who} is not finite in {bad.sum()} of {bad.size} coordinates ({listed(bad)})"
            )
    return f"{leaf.name}: {' and '.join(parts)}"
