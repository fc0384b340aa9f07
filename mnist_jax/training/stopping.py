"""Criteria for early stopping.

A criterion is a class with two pure functions, `init` and `update`, which receive one validation
loss at a time. The training loop uses a criterion only through these functions.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

from mnist_jax.errors import UsageError
from mnist_jax.precision import with_any_value


@runtime_checkable
class Criterion(Protocol):
    """Interface of a criterion, which is hashable because it is a static argument."""

    def init(self, dtype: DTypeLike) -> Any:
        """Returns the state before the first evaluation, a pytree of arrays."""
        ...

    def update(self, state: Any, loss: Float[Array, ""]) -> tuple[Any, Bool[Array, ""]]:
        """Returns the state after one more validation loss, and whether to stop."""
        ...


@dataclass(frozen=True)
class Never:
    """No early stopping: every run continues to its last epoch."""

    def init(self, dtype: DTypeLike) -> tuple[()]:
        """Returns the empty state."""
        return ()

    def update(self, state: tuple[()], loss: Float[Array, ""]) -> tuple[tuple[()], Bool[Array, ""]]:
        """Does not stop."""
        return state, jnp.zeros((), bool)


@dataclass(frozen=True)
class Lag:
    """The report's criterion: stop if the loss is not below that of some evaluations ago.

    Attributes:
        evaluations: Number of evaluations to look back, 10 in the report.

    Raises:
        UsageError: If the number is less than 1.

    Example:
        >>> stopping_step(Lag(2), losses=[3.0, 2.0, 1.0, 2.5], steps=[0, 5, 10, 15])
        15
    """

    evaluations: int = 10

    def __post_init__(self) -> None:
        _check_evaluations(self)

    def init(self, dtype: DTypeLike) -> Float[Array, " evaluations"]:
        """Returns the last losses, oldest first; they are infinite before the first evaluation."""
        return jnp.full(self.evaluations, jnp.inf, dtype)

    def update(
        self, state: Float[Array, " evaluations"], loss: Float[Array, ""]
    ) -> tuple[Float[Array, " evaluations"], Bool[Array, ""]]:
        """Compares with the oldest loss, and replaces it."""
        return jnp.append(state[1:], loss), ~(loss < state[0])


class PatienceState(NamedTuple):
    """Lowest loss so far, and number of evaluations since then."""

    best: Float[Array, ""]
    waited: Int[Array, ""]


@dataclass(frozen=True)
class Patience:
    """The usual criterion: stop after some evaluations without a new lowest loss.

    Attributes:
        evaluations: Number of consecutive evaluations.

    Raises:
        UsageError: If the number is less than 1.

    Example:
        >>> stopping_step(Patience(2), losses=[3.0, 1.0, 2.0, 1.5], steps=[0, 5, 10, 15])
        15
    """

    evaluations: int = 10

    def __post_init__(self) -> None:
        _check_evaluations(self)

    def init(self, dtype: DTypeLike) -> PatienceState:
        """Returns an infinite lowest loss."""
        return PatienceState(best=jnp.full((), jnp.inf, dtype), waited=jnp.zeros((), jnp.int32))

    def update(
        self, state: PatienceState, loss: Float[Array, ""]
    ) -> tuple[PatienceState, Bool[Array, ""]]:
        """Counts the evaluations since the lowest loss."""
        improved = loss < state.best
        waited = jnp.where(improved, 0, state.waited + 1)
        best = jnp.where(improved, loss, state.best)
        return PatienceState(best, waited), waited >= self.evaluations


def stopping_step(criterion: Criterion, losses: Any, steps: Any) -> int | None:
    """Returns the step at which a criterion would have stopped a run.

    Args:
        criterion: Stopping criterion.
        losses: Validation losses in the order of evaluation, (E,).
        steps: Step of each evaluation, (E,).

    Returns:
        The step; None if the criterion does not stop the run.

    Example:
        >>> stopping_step(Lag(1), losses=[2.0, 1.0], steps=[0, 5]) is None
        True
    """
    with with_any_value():
        losses = jnp.asarray(losses)
        _, stops = jax.lax.scan(criterion.update, criterion.init(losses.dtype), losses)
    stopped = np.flatnonzero(stops)
    return int(np.asarray(steps)[stopped[0]]) if len(stopped) else None


def _check_evaluations(criterion: "Lag | Patience") -> None:
    if criterion.evaluations < 1:
        raise UsageError(f"{criterion}: give 1 or more evaluations.")
