"""A gradient that somebody else wrote, and the mistakes that are made in it."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

Gradient = Callable[..., Any]
Origin = Literal["called", "rewritten"]

NEVER = (
    r"autodiff is (wrong|at fault)|autodiff's own fault|the values? .{0,40}not with autodiff"
    r"|kink|float16|fault of the compiler|the platform|not pure|not a pure|random (key|number)"
    r"|loss is (nan|inf|not finite)"
)
"""What is said wrongly of every mistake here: each loss is smooth, finite and computed rightly."""


class Mistake(NamedTuple):
    """One way to get a gradient wrong.

    Attributes:
        wrong: What is wrong, in plain words.
        of: Makes the wrong gradient from the right one, which it may ignore.
        named: A regular expression that the diagnosis matches if it names the mistake; empty for
            one that has no common name, of which nothing more is asked than that it is caught.
        never: A regular expression that it matches if it says something that is not so.
    """

    wrong: str
    of: Callable[[Gradient], Gradient]
    named: str
    never: str = NEVER


class Case(NamedTuple):
    """A loss, its gradient, and where they are compared.

    Attributes:
        loss: The scalar function, in `jax.numpy`; None if `gradient` is a function with a rule.
        gradient: The hand-written gradient, or a function with a custom derivative rule.
        arguments: What both are called with.
        mistakes: The mistakes that the checker has to catch.
        options: Keyword arguments of `check`.
    """

    loss: Callable[..., Any] | None
    gradient: Gradient
    arguments: tuple[Any, ...]
    mistakes: tuple[Mistake, ...]
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @property
    def has_value(self) -> bool:
        """Whether the gradient comes with the value, as (value, gradient)."""
        return self.options.get("has_value", False)

    def wrong(self, mistake: Mistake) -> Gradient:
        """The gradient with a mistake in it; a value that comes with it stays right."""
        if not self.has_value:
            return mistake.of(self.gradient)
        wrong = mistake.of(lambda *arguments: self.gradient(*arguments)[1])

        def value_and_wrong(*arguments: Any) -> tuple[Any, Any]:
            return self.gradient(*arguments)[0], wrong(*arguments)

        return value_and_wrong


class Foreign(NamedTuple):
    """An entry of the collection.

    Attributes:
        name: What it is the gradient of; unique.
        source: The library, with the name of what is called, or the course.
        holds: How its user holds the gradient and its data.
        make: Builds the case; imports the library.
        origin: Whether an installed library is called, or the mathematics is written out here.
        package: The optional package that it needs.
    """

    name: str
    source: str
    holds: str
    make: Callable[[], Case]
    origin: Origin = "called"
    package: str = ""
