"""Early stopping: when the validation loss says that a run should end.

A criterion is a pair of pure functions, `init` and `update`, that see one validation loss at a
time; the training loop knows nothing else of it. To add one, write such a class.
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
    """What the training loop knows of a criterion; hashable, for it is a static argument."""

    def init(self, dtype: DTypeLike) -> Any:
        """The state before the first evaluation, a pytree of arrays."""
        ...

    def update(self, state: Any, loss: Float[Array, ""]) -> tuple[Any, Bool[Array, ""]]:
        """The state after one more validation loss, and whether to stop now."""
        ...


@dataclass(frozen=True)
class Never:
    """No early stopping: every run goes on to its last epoch."""

    def init(self, dtype: DTypeLike) -> tuple[()]:
        """No state."""
        return ()

    def update(self, state: tuple[()], loss: Float[Array, ""]) -> tuple[tuple[()], Bool[Array, ""]]:
        """Never stops."""
        return state, jnp.zeros((), bool)


@dataclass(frozen=True)
class Lag:
    """The report's criterion: stop when the loss is not below what it was some evaluations ago.

    Attributes:
        evaluations: How many evaluations ago, 10 in the report.

    Raises:
        UsageError: If that number is less than 1.

    Example:
        >>> stopping_step(Lag(2), losses=[3.0, 2.0, 1.0, 2.5], steps=[0, 5, 10, 15])
        15
    """

    evaluations: int = 10

    def __post_init__(self) -> None:
        _check_evaluations(self)

    def init(self, dtype: DTypeLike) -> Float[Array, " evaluations"]:
        """The last losses, oldest first; infinite before there were any, so that none stops."""
        return jnp.full(self.evaluations, jnp.inf, dtype)

    def update(
        self, state: Float[Array, " evaluations"], loss: Float[Array, ""]
    ) -> tuple[Float[Array, " evaluations"], Bool[Array, ""]]:
        """Compares with the oldest loss, and forgets it."""
        return jnp.append(state[1:], loss), ~(loss < state[0])


class PatienceState(NamedTuple):
    """The lowest loss so far, and the number of evaluations since."""

    best: Float[Array, ""]
    waited: Int[Array, ""]


@dataclass(frozen=True)
class Patience:
    """The usual criterion: stop after some evaluations in a row without a new lowest loss.

    Attributes:
        evaluations: How many evaluations in a row.

    Raises:
        UsageError: If that number is less than 1.

    Example:
        >>> stopping_step(Patience(2), losses=[3.0, 1.0, 2.0, 1.5], steps=[0, 5, 10, 15])
        15
    """

    evaluations: int = 10

    def __post_init__(self) -> None:
        _check_evaluations(self)

    def init(self, dtype: DTypeLike) -> PatienceState:
        """Any finite loss is lower than none."""
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
    """The step at which a criterion would have stopped a run that went on.

    Args:
        criterion: The stopping criterion.
        losses: Validation losses in the order of evaluation, (E,).
        steps: The step of each evaluation, (E,).

    Returns:
        The step, or None if the criterion never stops the run.

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
        raise UsageError(f"{criterion}: it counts evaluations, so give it 1 or more.")
