"""Equations of the report: their LaTeX, and functions that evaluate their sides."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Float

from mnist_jax.derivation.problem import Problem, Task

Side = Callable[[Problem], Any]
"""Function that evaluates a side of a line."""


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
    right: Side


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


class Quantity(NamedTuple):
    """A left side, which one equation after another rewrites."""

    task: Task
    latex: str
    value: Side
    symbols: Callable[[Problem], tuple[Any, ...]] = lambda p: (p,)  # arguments of right sides

    def equals(
        self,
        number: str,
        says: str,
        latex: str,
        right: Callable[..., Any],
        corrected: tuple[str, Callable[..., Any]] | None = None,
    ) -> Equation:
        """Returns the equation of this quantity with a right side, printed and corrected."""
        lines = [self._line(*side) for side in ((latex, right), corrected) if side]
        return Equation(number, self.task, says, *lines)

    def _line(self, latex: str, right: Callable[..., Any]) -> Line:
        return Line(f"{self.latex} = {latex}", self.value, lambda p: right(*self.symbols(p)))
