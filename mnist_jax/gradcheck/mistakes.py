"""Known mistakes, and which of them a wrong gradient looks like."""

import itertools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from mnist_jax.gradcheck.problem import Problem

FEW = 5
TIMES = {1: "", 2: "twice ", 4: "four times "}
# relative errors that computing in a lower precision makes
HALF, SINGLE = (2.0**-14, 2.0**-6), (2.0**-30, 2.0**-18)


class Leaf(NamedTuple):
    """One leaf of the gradient at several points, stacked along a leading axis.

    Attributes:
        name: What the argument is called, and the path in it.
        ours: The hand-written gradient.
        reference: Autodiff's.
        tolerance: Of each coordinate.
        weights: The differentiated argument itself.
    """

    name: str
    ours: Float[np.ndarray, "P ..."]
    reference: Float[np.ndarray, "P ..."]
    tolerance: Float[np.ndarray, "P ..."]
    weights: Float[np.ndarray, "P ..."]

    @property
    def wrong(self) -> Bool[np.ndarray, "..."]:
        """The coordinates that differ at any of the points."""
        return np.asarray(np.any(np.abs(self.ours - self.reference) > self.tolerance, axis=0))


class Constant(NamedTuple):
    """A number that a factor may be, and what to call it."""

    value: float
    name: str


def explain(leaves: list[Leaf], problem: Problem) -> list[str]:
    """Guesses at what is wrong with a gradient.

    Args:
        leaves: All of them, those that are right included.
        problem: For the sizes and scalars that a wrong factor may come from.

    Returns:
        A sentence for each leaf that is wrong, or one for all of them if they share a mistake.
    """
    broken = [leaf for leaf in leaves if np.any(leaf.wrong) or not _finite(leaf)]
    if not all(_finite(leaf) for leaf in broken):
        return [_not_finite(leaf) for leaf in broken if not _finite(leaf)]
    known = constants(problem)
    together = [_factor(leaf, known) for leaf in broken]
    if len(broken) > 1 and len(broken) == len(leaves) and len(set(together)) == 1 and together[0]:
        return [f"the whole gradient {together[0]}"]
    return [_explain_leaf(leaf, leaves, known) for leaf in broken]


def constants(problem: Problem) -> list[Constant]:
    """The numbers that a wrong factor may be: the scalars among the arguments, lengths of axes.

    Args:
        problem: For its arguments.

    Returns:
        1, 2, each scalar and its double, each length, each ratio of two lengths.
    """
    scalars, lengths = [], {}
    for argnum, argument in enumerate(problem.arguments):
        for path, leaf in jax.tree.leaves_with_path(argument):
            name = f"{problem.name(argnum)}{jax.tree_util.keystr(path)}"
            if np.ndim(leaf) == 0 and np.issubdtype(np.asarray(leaf).dtype, np.floating):
                scalars += [Constant(n * float(leaf), f"{word}{name}") for n, word in TIMES.items()]
            for axis, length in enumerate(np.shape(leaf)):
                lengths.setdefault(length, f"the length of axis {axis} of {name}")
    named = [Constant(float(length), name) for length, name in lengths.items() if length > 0]
    ratios = [
        Constant(a.value / b.value, f"{a.name} over {b.name}")
        for a, b in itertools.permutations(named, 2)
    ]
    return [Constant(1.0, "1"), Constant(2.0, "2"), *scalars, *named, *ratios]


def _explain_leaf(leaf: Leaf, leaves: list[Leaf], known: list[Constant]) -> str:
    region = describe_region(leaf.wrong)
    guess = _factor(leaf, known) or _arrangement(leaf, leaves) or _term(leaf, known)
    return f"{leaf.name}{region}: the gradient {guess or _unexplained(leaf)}"


def _factor(leaf: Leaf, known: list[Constant]) -> str | None:
    """Whether the wrong coordinates are autodiff's times a constant."""
    ours, reference, tolerance, _ = _wrong_coordinates(leaf)
    if not np.any(ours):
        return "is zero where autodiff's is not"
    factor = _fit(ours, reference, tolerance)
    if factor is None or factor == 0:
        return None
    return f"is {_number(factor, known, inverse=True)} times autodiff's"


def _term(leaf: Leaf, known: list[Constant]) -> str | None:
    """Whether the difference is a multiple of the weights, or a constant."""
    ours, reference, tolerance, weights = _wrong_coordinates(leaf)
    difference = ours - reference
    for term, name in ((weights, leaf.name), (np.ones_like(weights), "1")):
        factor = _fit(difference, term, tolerance)
        if factor:
            verb = "has in excess" if factor > 0 else "lacks"
            return f"{verb} a term: {_number(abs(factor), known)} times {name}"
    return None


def _arrangement(leaf: Leaf, leaves: list[Leaf]) -> str | None:
    """Whether the right numbers stand in the wrong places."""
    axes = range(1, leaf.ours.ndim)
    square = leaf.ours.ndim == 3 and leaf.ours.shape[1] == leaf.ours.shape[2]
    if square and _equal(leaf, leaf.reference.swapaxes(1, 2)):
        return "is transposed"
    for axis in axes:
        if _equal(leaf, np.flip(leaf.reference, axis)):
            return f"is reversed along axis {axis - 1}"
        for shift in (1, -1):
            if _equal(leaf, np.roll(leaf.reference, shift, axis)):
                return f"is shifted by {shift} along axis {axis - 1}"
        if (exchanged := _exchanged(leaf, axis)) is not None:
            return exchanged
    for other in leaves:
        same_shape = other is not leaf and other.reference.shape == leaf.ours.shape
        if same_shape and _equal(leaf, other.reference):
            return f"is that of {other.name}"
    return None


def _exchanged(leaf: Leaf, axis: int) -> str | None:
    """Whether two slices of an axis have changed places."""
    others = tuple(a for a in range(leaf.wrong.ndim) if a != axis - 1)
    touched = np.flatnonzero(leaf.wrong.any(axis=others))
    if len(touched) != 2:
        return None
    exchanged = leaf.reference.copy()
    slices = np.take(leaf.reference, touched[::-1], axis)
    np.moveaxis(exchanged, axis, 0)[touched] = np.moveaxis(slices, axis, 0)
    if not _equal(leaf, exchanged):
        return None
    return f"has {touched[0]} and {touched[1]} along axis {axis - 1} exchanged"


def _unexplained(leaf: Leaf) -> str:
    wrong = int(leaf.wrong.sum())
    few = f" (at {_listed(leaf.wrong)})" if wrong <= FEW else ""
    error = np.abs(leaf.ours - leaf.reference).max() / (np.abs(leaf.reference).max() or 1)
    for (low, high), name in ((SINGLE, "float32"), (HALF, "float16 or bfloat16")):
        if low < error < high:
            return (
                f"differs in {wrong} of {leaf.wrong.size} coordinates{few} by a relative "
                f"{error:.0e}: is something inside computed in {name}?"
            )
    return (
        f"differs in {wrong} of {leaf.wrong.size} coordinates{few}, by no constant factor, "
        "no multiple of the weights and no rearrangement"
    )


def describe_region(wrong: Bool[np.ndarray, "..."]) -> str:
    """Where the wrong coordinates are, if that is one slice, or all but one: `[:, 784]`.

    Args:
        wrong: Which coordinates are.

    Returns:
        An index, or nothing if they are all over the place.

    Example:
        >>> describe_region(np.array([[False, True], [False, True], [False, False]]))
        '[:, 1]'
    """
    for axis in range(wrong.ndim):
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        touched, filled = (np.asarray(how(wrong, axis=others)) for how in (np.any, np.all))
        if wrong.shape[axis] > 1 and touched.sum() == 1:
            return _listed(wrong) if wrong.sum() == 1 else _slice(wrong, axis, touched)
        if wrong.shape[axis] > 2 and filled.sum() == touched.sum() == len(touched) - 1:
            return f", all but {_slice(wrong, axis, ~touched)}"
    return ""


def _slice(wrong: Bool[np.ndarray, "..."], axis: int, chosen: Bool[np.ndarray, " n"]) -> str:
    shown = [":"] * wrong.ndim
    shown[axis] = str(chosen.argmax())
    return f"[{', '.join(shown)}]"


def _wrong_coordinates(leaf: Leaf) -> list[Float[np.ndarray, " W"]]:
    return [array[:, leaf.wrong].ravel() for array in leaf[1:]]


def _fit(values: Any, term: Any, tolerance: Any) -> float | None:
    """The constant c for which values = c term, if there is one and it is overdetermined."""
    largest = np.abs(term).max(initial=0)
    if largest == 0 or np.count_nonzero(term) < 2:
        return None
    scaled = term / largest
    factor = float(values @ scaled / (scaled @ scaled)) / largest
    allowed = 4 * (1 + abs(factor)) * tolerance
    return factor if np.all(np.abs(values - factor * term) <= allowed) else None


def _equal(leaf: Leaf, other: Float[np.ndarray, "P ..."]) -> bool:
    return bool(np.all(np.abs(leaf.ours - other) <= 4 * leaf.tolerance.max()))


def _number(value: float, known: list[Constant], *, inverse: bool = False) -> str:
    """A number, by name if it is a known one, or one of those inverted."""
    size = abs(value)
    sign = "-" if value < 0 else ""
    for constant in known:
        if np.isclose(size, constant.value, rtol=1e-6):
            return _named(f"{sign}{size:.7g}", constant.name)
        if inverse and constant.value and np.isclose(size * constant.value, 1, rtol=1e-6):
            return _named(f"{sign}1/{constant.value:.7g}", constant.name)
    return f"{value:.7g}"


def _named(number: str, name: str) -> str:
    return number if name in {"1", "2"} else f"{number} ({name})"


def _finite(leaf: Leaf) -> bool:
    return bool(np.all(np.isfinite(leaf.ours)) and np.all(np.isfinite(leaf.reference)))


def _not_finite(leaf: Leaf) -> str:
    said = []
    for who, values in (("the gradient", leaf.ours), ("autodiff's", leaf.reference)):
        bad = np.any(~np.isfinite(values), axis=0)
        if np.any(bad):
            said.append(
                f"{who} is not finite in {bad.sum()} of {bad.size} coordinates ({_listed(bad)})"
            )
    return f"{leaf.name}: {' and '.join(said)}"


def _listed(mask: Bool[np.ndarray, "..."]) -> str:
    places = [str([int(i) for i in index]) for index in np.argwhere(mask)]
    return ", ".join(places[:FEW]) + (", ..." if len(places) > FEW else "")
