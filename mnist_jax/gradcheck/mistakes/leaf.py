"""One leaf of a wrong gradient, and whether it is a constant times something."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

FEW = 5
# a fit may miss by so many tolerances, since both sides are rounded
SLACK = 4.0
# ... or by so much of the largest coordinate, where the loss holds an epsilon that the
# hand-written gradient leaves out; what is claimed then is claimed up to that
LOOSE = 1e-4


class Leaf(NamedTuple):
    """One leaf of the gradient at several points, stacked along a leading axis.

    Attributes:
        name: The argument's name, and the path in it.
        ours: The hand-written gradient.
        reference: Autodiff's.
        tolerance: What a coordinate may be off by.
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
        return np.asarray(np.any(self.differs, axis=0))

    @property
    def differs(self) -> Bool[np.ndarray, "P ..."]:
        """The coordinates that differ at each point."""
        return ~(np.abs(self.ours - self.reference) <= self.tolerance)

    @property
    def region(self) -> str:
        """Where it is wrong, in words; where both gradients are zero it might as well be."""
        sizes = np.maximum(np.abs(self.ours), np.abs(self.reference))
        zero = np.all(sizes <= self.tolerance, axis=0)
        return "" if np.all(self.wrong | zero) else describe_region(self.wrong)

    @property
    def finite(self) -> bool:
        """Whether both gradients are finite."""
        return bool(np.all(np.isfinite(self.ours)) and np.all(np.isfinite(self.reference)))

    def at_wrong_points(self) -> "Leaf":
        """The leaf at the points where it is wrong at all."""
        points = self.differs.reshape(len(self.ours), -1).any(axis=1)
        return Leaf(self.name, *(each[points] for each in self[1:]))

    def wrong_coordinates(self) -> "Leaf":
        """The coordinates that are wrong, as vectors."""
        wrong = self.wrong
        return Leaf(self.name, *(each[:, wrong] for each in self[1:]))

    def with_reference(self, reference: Float[np.ndarray, "P ..."]) -> "Leaf":
        """The leaf compared with something else."""
        return self._replace(reference=np.broadcast_to(reference, self.ours.shape))


class Fit(NamedTuple):
    """A constant, and how exactly something is that many times something else.

    Attributes:
        factor: The constant.
        relative: The largest error relative to the largest coordinate; zero if it is within what
            rounding explains.
    """

    factor: float
    relative: float


def fit(values: Any, term: Any, tolerance: Any) -> Fit | None:
    """The constant c for which values = c term, if there is one and it is overdetermined.

    Args:
        values: What is to be explained.
        term: What it may be a multiple of.
        tolerance: What each of the values may be off by.

    Returns:
        The constant, or None.

    Example:
    X
        2.0
    """
    shape = np.shape(values)
    values, term, tolerance = (
        np.ravel(np.broadcast_to(each, shape)) for each in (values, term, tolerance)
    )
    largest = np.abs(term).max(initial=0)
    if largest == 0 or not np.isfinite(largest) or np.count_nonzero(term) < 2:
        return None
    scaled = term / largest
    factor = float(values @ scaled / (scaled @ scaled) / largest)
    errors = np.abs(values - factor * term)
    if np.all(errors <= SLACK * (1 + abs(factor)) * tolerance):
        return Fit(factor, 0.0)
    relative = float(errors.max() / (np.abs(values).max(initial=0) or np.inf))
    return Fit(factor, relative) if relative < LOOSE and abs(factor) > LOOSE else None


def parallel(leaves: Sequence[Leaf]) -> bool:
    """Whether a gradient is at each point a multiple of autodiff's, and not the same at all."""
    factors = []
    for point in range(len(leaves[0].ours)):
        ours, reference, tolerance = (
            np.concatenate([np.ravel(getattr(leaf, name)[point]) for leaf in leaves])
            for name in ("ours", "reference", "tolerance")
        )
        found = fit(ours, reference, tolerance)
        if found is None or found.relative or abs(found.factor) < LOOSE:
            return False
        factors.append(found.factor)
    return len(factors) > 1 and not np.allclose(factors, factors[0])


def listed(mask: Bool[np.ndarray, "..."]) -> str:
    """The indices of a few coordinates."""
    places = [str([int(i) for i in index]) for index in np.argwhere(mask)]
    return ", ".join(places[:FEW]) + (", ..." if len(places) > FEW else "")


def describe_region(wrong: Bool[np.ndarray, "..."]) -> str:
    """Where the wrong coordinates are: a slice, all but one, or so many of so many.

    Args:
        wrong: Which coordinates are.

    Returns:
        An index such as `[:, 784]`, or words; nothing if all coordinates are wrong.

    Example:
        >>> describe_region(np.array([[False, True], [False, True], [False, False]]))
        '[:, 1] in 2 of 3 coordinates'
        >>> describe_region(np.array([False, True, False, True, True, False]))
        ' in 3 of 6 coordinates (at [1], [3], [4])'
    """
    if wrong.all():
        return ""
    if wrong.sum() == 1:
        return listed(wrong)
    places = (_of_diagonal(wrong), *(_along(wrong, axis) for axis in range(wrong.ndim)))
    everywhere = f" in {wrong.sum()} of {wrong.size} coordinates (at {listed(wrong)})"
    return next((place for place in places if place), everywhere)


def _of_diagonal(wrong: Bool[np.ndarray, "..."]) -> str:
    if wrong.ndim != 2 or wrong.shape[0] != wrong.shape[1]:
        return ""
    diagonal = np.eye(len(wrong), dtype=bool)
    if np.array_equal(wrong, diagonal):
        return " on the diagonal"
    return " off the diagonal" if np.array_equal(wrong, ~diagonal) else ""


def _along(wrong: Bool[np.ndarray, "..."], axis: int) -> str:
    """One slice of an axis, all but one, or several in a row."""
    others = tuple(a for a in range(wrong.ndim) if a != axis)
    touched, filled = (np.asarray(how(wrong, axis=others)) for how in (np.any, np.all))
    first, last = (int(i) for i in np.flatnonzero(touched)[[0, -1]])
    if len(touched) > 1 and first == last:
        inside = np.take(wrong, first, axis)
        some = "" if inside.all() else f" in {inside.sum()} of {inside.size} coordinates"
        return _slice(wrong, axis, str(first)) + some
    if not np.array_equal(touched, filled):
        return ""
    if touched.sum() == len(touched) - 1 and len(touched) > 2:
        return f", all but {_slice(wrong, axis, str((~touched).argmax()))}"
    if touched.sum() < last - first + 1:
        return ""
    return _slice(wrong, axis, f"{first or ''}:{'' if last + 1 == len(touched) else last + 1}")


def _slice(wrong: Bool[np.ndarray, "..."], axis: int, chosen: str) -> str:
    shown = [":"] * wrong.ndim
    shown[axis] = chosen
    return f"[{', '.join(shown)}]"
