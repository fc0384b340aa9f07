"""An equation of the report as data: how it is written, and functions that evaluate its sides."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from mnist_jax.derivation.problem import Problem, Task


class Line(NamedTuple):
    """An equality that can be evaluated.

    Attributes:
        latex: How it is written.
        left: Its left side; where that is a derivative, autodiff's.
        right: Its right side, literally as written; a tuple if the line gives several expressions.
    """

    latex: str
    left: Callable[[Problem], Float[Array, "..."]]
    right: Callable[[Problem], Any]


class Equation(NamedTuple):
    """A numbered line of the report.

    Attributes:
        number: The report's own, or in 1a, where it gives none, 1a.1, 1a.2 and so on.
        task: The task it belongs to.
        says: What the step does.
        printed: What stands in the report; None if the number stands alone.
        corrected: What should stand there.
    """

    number: str
    task: Task
    says: str
    printed: Line | None
    corrected: Line | None = None
