"""Compares two gradients coordinate by coordinate."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PyTree


class Comparison(NamedTuple):
    r"""Differences of a gradient a from a reference b.

    Attributes:
        absolute: Error $|a_i - b_i|$ at the worst coordinate, the one whose error is the largest
            multiple of its tolerance; a coordinate that is not finite counts as the worst.
        relative: Largest error relative to the largest coordinate,
            $\max_i |a_i - b_i| / \max_i |b_i|$. It does not grow with the number of coordinates.
        ulps: `absolute` in units in the last place of $b_i$.
        cosine: Cosine of the angle between a and b; NaN if exactly one of them is zero.
        where: Path and index of the worst coordinate.
        value: Value of $a_i$ there.
        reference: Value of $b_i$ there.
        tolerance: Tolerance of $|a_i - b_i|$ there.
        excess: Ratio of `absolute` to `tolerance`; above 1 the gradients differ.
        resolution: Largest tolerance relative to $\max_i |b_i|$; smaller errors are not detected.
        differing: Number of coordinates that differ by more than their tolerance.
        size: Number of coordinates.
    """

    absolute: float
    relative: float
    ulps: float
    cosine: float
    where: str
    value: float
    reference: float
    tolerance: float
    excess: float
    resolution: float
    differing: int
    size: int

    @property
    def passes(self) -> bool:
        """Whether every coordinate is within its tolerance; NaN and infinity never are."""
        return self.excess <= 1


class Flat(NamedTuple):
    """A pytree as one vector, with the path and index of each coordinate."""

    values: Float[np.ndarray, " P"]
    paths: list[str]
    shapes: list[tuple[int, ...]]

    def place(self, position: int) -> str:
        """Returns path and index of a coordinate, as `['bias'][3, 2]`."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        leaf = int(np.searchsorted(ends, position, side="right"))
        start = ends[leaf - 1] if leaf else 0
        index = [int(i) for i in np.unravel_index(position - start, self.shapes[leaf])]
        return f"{self.paths[leaf]}{index or ''}".removeprefix(".")


def flatten(tree: PyTree) -> Flat:
    """Concatenates the arrays of a pytree to one float64 vector.

    Args:
        tree: Pytree of arrays.

    Returns:
        The values, with the path and shape of each array.

    Example:
        >>> flatten({"a": np.zeros(2), "b": np.ones((2, 2))}).place(4)
        "['b'][1, 0]"
    """
    leaves = jax.tree.leaves_with_path(tree)
    arrays = [np.asarray(leaf, np.float64) for _, leaf in leaves]
    paths = [jax.tree_util.keystr(path) for path, _ in leaves]
    values = np.concatenate([array.ravel() for array in arrays])
    return Flat(values, paths, [array.shape for array in arrays])


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def compare(ours: PyTree, reference: PyTree, tolerance: PyTree, dtype: Any) -> Comparison:
    """Compares two pytrees of the same structure and shapes.

    Args:
        ours: Gradient a.
        reference: Reference b.
        tolerance: Tolerance of each coordinate.
        dtype: Precision in which units in the last place are counted.

    Returns:
        The comparison.

    Example:
        >>> a, b, allowed = np.array([1.0, 2.0]), np.array([1.0, 2.5]), np.full(2, 0.1)
        >>> comparison = compare(a, b, allowed, np.float32)
        >>> comparison.where, comparison.passes, comparison.differing
        ('[1]', False, 1)
    """
    a, b, allowed = flatten(ours), flatten(reference).values, flatten(tolerance).values
    errors = np.abs(a.values - b)
    finite = np.isfinite(a.values) & np.isfinite(b)
    excess = np.where(errors == 0, 0.0, errors / allowed)
    excess = np.where(finite & ~np.isnan(excess), excess, np.inf)
    worst = int(np.argmax(excess if finite.all() else ~finite))
    largest = float(np.abs(b[finite]).max(initial=0))
    return Comparison(
        absolute=float(errors[worst]),
        relative=_ratio(float(errors.max()), largest),
        ulps=float(errors[worst] / np.spacing(np.abs(b[worst]).astype(dtype))),
        cosine=cosine(a.values, b),
        where=a.place(worst),
        value=float(a.values[worst]),
        reference=float(b[worst]),
        tolerance=float(allowed[worst]),
        excess=float(excess[worst]),
        resolution=_ratio(float(allowed.max()), largest),
        differing=int(np.sum(excess > 1)),
        size=len(b),
    )


def cosine(a: Float[np.ndarray, " P"], b: Float[np.ndarray, " P"]) -> float:
    """Returns the cosine of the angle between two vectors; 1 if they are equal, even if zero."""
    if np.array_equal(a, b):
        return 1.0
    scaled = [x / (np.abs(x).max() or 1.0) for x in (a, b)]  # squares that can't overflow
    norms = np.prod([np.linalg.norm(x) for x in scaled])
    return min(float(scaled[0] @ scaled[1] / norms), 1.0) if norms else float("nan")


def _ratio(error: float, size: float) -> float:
    return error / size if size else (0.0 if error == 0 else float("inf"))


class Finding(NamedTuple):
    """The result of one kind of check in one precision, over all points.

    Attributes:
        check: Name of the check.
        precision: Name of the dtype.
        passes: Whether the check passes; None if it was not possible or is inconclusive.
        point: Name of the point with the largest error.
        comparison: Numbers at that point; None for a check without coordinates.
        note: Free-text note.
    """

    check: str
    precision: str
    passes: bool | None
    point: str = ""
    comparison: Comparison | None = None
    note: str = ""
