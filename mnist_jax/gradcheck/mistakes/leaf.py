"""One leaf of a gradient beside its reference, and fits of a constant factor."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from mnist_jax.gradcheck.tuning import LOOSE, SLACK

FEW = 5


class Leaf(NamedTuple):
    """One leaf of the gradient at several points, stacked along a leading axis.

    Attributes:
        name: Name of the argument with the path in it.
        ours: Hand-written gradient.
        reference: Autodiff's gradient.
        tolerance: Tolerance of each coordinate.
        weights: Differentiated argument.
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
        """Description of the wrong coordinates; ignores those where both gradients are zero."""
        sizes = np.maximum(np.abs(self.ours), np.abs(self.reference))
        zero = np.all(sizes <= self.tolerance, axis=0)
        return "" if np.all(self.wrong | zero) else describe_region(self.wrong)

    @property
    def finite(self) -> bool:
        """Whether both gradients are finite."""
        return bool(np.all(np.isfinite(self.ours)) and np.all(np.isfinite(self.reference)))

    def at_wrong_points(self) -> "Leaf":
        """Returns the leaf at the points where any coordinate is wrong."""
        points = self.differs.reshape(len(self.ours), -1).any(axis=1)
        return Leaf(self.name, *(each[points] for each in self[1:]))

    def wrong_coordinates(self) -> "Leaf":
        """Returns the wrong coordinates, as vectors."""
        wrong = self.wrong
        return Leaf(self.name, *(each[:, wrong] for each in self[1:]))

    def with_reference(self, reference: Float[np.ndarray, "P ..."]) -> "Leaf":
        """Returns the leaf with another reference."""
        return self._replace(reference=np.broadcast_to(reference, self.ours.shape))


class Fit(NamedTuple):
    """A fitted constant factor and its error.

    Attributes:
        factor: Constant factor.
        relative: Largest error relative to the largest coordinate; zero if rounding explains it.
    """

    factor: float
    relative: float


def fit(values: Any, term: Any, tolerance: Any) -> Fit | None:
    """Fits the constant c of values = c term; None if it does not fit or is not overdetermined.

    Args:
        values: Values to be explained.
        term: Term that they may be a multiple of.
        tolerance: Tolerance of each value.

    Returns:
        The fit, or None.

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
    """Returns whether a gradient is a multiple of autodiff's, by another factor at each point."""
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
    """Lists the indices of a few coordinates."""
    places = [str([int(i) for i in index]) for index in np.argwhere(mask)]
    return ", ".join(places[:FEW]) + (", ..." if len(places) > FEW else "")


def describe_region(wrong: Bool[np.ndarray, "..."]) -> str:
    """Describes the wrong coordinates: a slice, all but one, or their number.

    Args:
        wrong: Mask of the wrong coordinates.

    Returns:
        An index such as `[:, 784]`, or a description; empty if all coordinates are wrong.

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
    """Describes one slice of an axis, all but one, or a range."""
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
