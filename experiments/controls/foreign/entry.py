"""Entries of the collection of foreign gradients, each with three mistakes."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.random import Generator

Gradient = Callable[..., Any]
Origin = Literal["called", "rewritten"]

NEVER = (
    r"autodiff is (wrong|at fault)|autodiff's own fault|the values? .{0,40}not with autodiff"
    r"|kink|float16|fault of the compiler|the platform|not pure|not a pure|random (key|number)"
    r"|loss is (nan|inf|not finite)"
)
"""Statements that are false for every mistake, since each loss is smooth and finite."""


class Mistake(NamedTuple):
    """One way to get a gradient wrong."""

    wrong: str  # description of the mistake
    # function from the correct gradient, which it may ignore, to the wrong gradient
    of: Callable[[Gradient], Gradient]
    # regular expression that matches a diagnosis that names the mistake; empty for a mistake
    # without a common name, which only has to be caught
    named: str
    never: str = NEVER  # regular expression that matches a diagnosis with a false statement


class Case(NamedTuple):
    """A loss, its gradient, and their arguments."""

    # scalar function in `jax.numpy`; None if `gradient` is a function with a rule
    loss: Callable[..., Any] | None
    gradient: Gradient  # hand-written gradient, or a function with a custom derivative rule
    arguments: tuple[Any, ...]  # arguments of both functions
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed
    mistakes: tuple[Mistake, ...] = ()  # mistakes that the checker must catch

    def with_mistakes(self, *mistakes: Mistake) -> Self:
        """Returns the case with its mistakes."""
        return self._replace(mistakes=mistakes)

    @property
    def has_value(self) -> bool:
        """Whether the gradient returns (value, gradient)."""
        return self.options.get("has_value", False)

    def wrong(self, mistake: Mistake) -> Gradient:
        """Returns the gradient with a mistake; a value that it also returns remains correct."""
        if not self.has_value:
            return mistake.of(self.gradient)
        wrong = mistake.of(lambda *arguments: self.gradient(*arguments)[1])
        return lambda *arguments: (self.gradient(*arguments)[0], wrong(*arguments))


class Foreign(NamedTuple):
    """An entry of the collection."""

    name: str  # unique name of the loss
    source: str  # library and name of the called function, or course
    holds: str  # form of the gradient and its data, such as a closure or a bound method
    # function that imports the library, draws the data and returns the case
    write: Callable[[Generator], Case]
    seed: int  # seed of the data
    # whether an installed library is called, or the mathematics is implemented here
    origin: Origin = "called"
    package: str = ""  # optional package that the entry needs

    def make(self) -> Case:
        """Returns the case."""
        return self.write(np.random.default_rng(self.seed))


def foreign(
    entries: list[Foreign],
    library: str,
    name: str,
    called: str,
    holds: str,
    seed: int = 0,
    *,
    origin: Origin = "called",
    package: str = "",
    **given: Any,
) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    """Decorates a function that makes a case of a generator: adds it to a list; see `Foreign`.

    The library is a form of the source, such as "SciPy, {}", for the name of what is called. Of
    several decorators, each with other arguments of the function, the last one comes first.
    """

    def decorate(write: Callable[..., Case]) -> Callable[..., Case]:
        made = partial(write, **given)
        entries.append(Foreign(name, library.format(called), holds, made, seed, origin, package))
        return write

    return decorate
