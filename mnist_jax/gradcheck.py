"""Compares a hand-derived gradient with the one that autodiff finds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Comparison(NamedTuple):
    r"""How a hand-derived gradient a differs from autodiff's b.

    Attributes:
        max_absolute: $\max_i |a_i - b_i|$.
        max_relative: `max_absolute` over $\max_i |b_i|$, so that the measure does not grow with
            the number of coordinates.
        cosine: Of the angle between the two; NaN if just one of them is zero.
        worst: The index of the coordinate that differs most.
        analytic: a at that index.
        autodiff: b at that index.
        tolerance: What `max_relative` may be.
        errors: $|a_i - b_i| / \max_i |b_i|$ of every coordinate.
    """

    max_absolute: float
    max_relative: float
    cosine: float
    worst: tuple[int, ...]
    analytic: float
    autodiff: float
    tolerance: float
    errors: Float[np.ndarray, "..."]

    @property
    def passes(self) -> bool:
        """Whether the two agree; NaN never does."""
        return self.max_relative <= self.tolerance


def tolerance(dtype: Any) -> float:
    r"""The relative error allowed in a dtype: 256 units of roundoff, whatever the size.

    A batch's mean is a sum of some hundred terms, rounded in an order that differs between the
    two gradients; near an optimum the terms cancel, which costs another digit.

    Args:
        dtype: The floating dtype of the gradients.

    Returns:
        $256 \cdot \varepsilon / 2$.

    Example:
        >>> tolerance(np.float32) < 2e-5
        True
    """
    return 256 * float(jnp.finfo(dtype).eps) / 2


def compare(
    loss: Callable[..., Float[Array, ""]],
    gradient: Callable[..., Float[Array, "..."]],
    *arguments: Any,
) -> Comparison:
    """Compares a gradient with `jax.grad` of the loss, at the highest matmul precision.

    Args:
        loss: To a scalar; differentiated with respect to its first argument.
        gradient: The hand-derived gradient, called with the same arguments.
        *arguments: Where to compare; the first is an array of weights.

    Returns:
        The comparison.

    Raises:
        ValueError: If the two gradients differ in shape or dtype.

    Example:
        >>> compare(lambda w: jnp.sum(w**2), lambda w: 2 * w, jnp.ones(3)).passes
        True
        >>> compare(lambda w: jnp.sum(w**2), lambda w: w, jnp.ones(3)).passes
        False
    """
    with jax.default_matmul_precision("highest"):
        ours = gradient(*arguments)
        theirs = jax.grad(loss)(*arguments)
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        raise ValueError(
            f"the gradient is {ours.dtype}{list(ours.shape)}, but autodiff's is "
            f"{theirs.dtype}{list(theirs.shape)}: return one like the first argument."
        )
    return _compare_arrays(np.asarray(ours), np.asarray(theirs))


@np.errstate(invalid="ignore")  # infinities give NaN, which does not pass
def _compare_arrays(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    absolute = np.abs(ours - theirs)
    worst = tuple(int(i) for i in np.unravel_index(absolute.argmax(), absolute.shape))
    scale = np.abs(theirs).max()
    # two gradients that are both zero agree; a nonzero one against zero does not
    errors = absolute / scale if scale != 0 else np.where(absolute > 0, np.inf, 0.0)
    same = np.array_equal(ours, theirs)
    return Comparison(
        max_absolute=float(absolute[worst]),
        max_relative=float(errors[worst]),
        cosine=1.0 if same else _cosine(ours.astype(np.float64), theirs.astype(np.float64)),
        worst=worst,
        analytic=float(ours[worst]),
        autodiff=float(theirs[worst]),
        tolerance=tolerance(theirs.dtype),
        errors=errors,
    )


def _cosine(ours: np.ndarray, theirs: np.ndarray) -> float:
    norms = np.linalg.norm(ours) * np.linalg.norm(theirs)
    return float(np.sum(ours * theirs) / norms) if norms != 0 else np.nan
