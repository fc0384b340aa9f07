"""An equation of the report: its LaTeX, and functions that evaluate its sides."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from mnist_jax.derivation.problem import Problem, Task


class Line(NamedTuple):
    """An equality whose sides can be evaluated.

    Attributes:
        latex: LaTeX of the line.
        left: Function for the left side; autodiff computes a derivative there.
        right: Function for the right side, exactly as printed; it returns a tuple if the line has
            several expressions.
    """

    latex: str
    left: Callable[[Problem], Float[Array, "..."]]
    right: Callable[[Problem], Any]


class Equation(NamedTuple):
    """A numbered line of the report.

    Attributes:
        number: Number in the report, or 1a.1, 1a.2, ... in task 1a, where the report has no
            numbers.
        task: Task of the report.
        says: Description of the step.
        printed: Line as printed in the report; None if only the number is printed.
        corrected: Corrected line.
    """

    number: str
    task: Task
    says: str
    printed: Line | None
    corrected: Line | None = None
