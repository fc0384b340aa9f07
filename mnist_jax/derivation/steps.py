"""Finds the first wrong line of a derivation, given as functions that should be equal."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck.formula import Formula, judge
from mnist_jax.gradcheck.problem import describe

Function = Callable[..., Any]


class Steps(NamedTuple):
    """The verdicts on the lines of a derivation.

    Attributes:
        first_wrong: Position, from 0, of the first line that differs from the line before it; None
            if there is none.
        last_is_right: Whether the last line equals the first function; None if undecided.
        formulas: Comparison of each line with the line before it.
    """

    first_wrong: int | None
    last_is_right: bool | None
    formulas: tuple[Formula, ...]

    def __str__(self) -> str:
        """Return the verdict on each line and on the derivation."""
        lines = [f"line {i}: {_described(formula)}" for i, formula in enumerate(self.formulas)]
        right = {True: "right", False: "wrong", None: "not told"}[self.last_is_right]
        wrong = (
            "no line is wrong"
            if self.first_wrong is None
            else (f"the first wrong line is {self.first_wrong}")
        )
        return "\n".join([*lines, f"{wrong}; the last line is {right}"])


def check_steps(
    first: Function, *lines: Function, arguments: Sequence[Any], seconds: float = 5.0
) -> Steps:
    """Find the first wrong line of a derivation.

    Each line is compared with the line before it in ball arithmetic, so a reported difference is
    proved.

    Args:
        first: Quantity that is derived, such as `jax.grad` of a loss.
        *lines: Functions of the same arguments that should be equal to it, in order.
        arguments: Arrays at which the lines are compared. Use random numbers, because a wrong line
            may be right at zeros or ones. They must satisfy the assumptions of the derivation.
        seconds: Time limit of each comparison, in seconds.

    Returns:
        The first wrong line, whether the last line is right, and the comparisons.

    Raises:
        UsageError: If there are no lines, a line raises, or a line returns other shapes.

    Example:
        >>> import jax.numpy as jnp
        >>> steps = check_steps(
        ...     jax.grad(lambda w: jnp.sum(jnp.sin(w) ** 2)),
        ...     lambda w: 2 * jnp.sin(w) * jnp.cos(w),
        ...     lambda w: jnp.sin(2 * w) / 2,
        ...     arguments=[np.array([0.3, 0.7])],
        ... )
        >>> print(steps)
        line 0: equal
        line 1: wrong at [1]: 0.4927249 where the line before is 0.9854497
        the first wrong line is 1; the last line is wrong
    """
    if not lines:
        raise UsageError("there are no lines: give at least one function after the first.")
    given = [np.asarray(x) for x in jax.tree.leaves(tuple(arguments))]
    structure = jax.tree.structure(tuple(arguments))
    traced = [_traced(function, structure, given, i) for i, function in enumerate((first, *lines))]
    pairs = itertools.pairwise(traced)
    formulas = tuple(judge(before, line, [given], seconds=seconds) for before, line in pairs)
    wrong = [i for i, formula in enumerate(formulas) if formula.verdict == "different"]
    whole = judge(traced[0], traced[-1], [given], seconds=seconds).verdict
    return Steps(
        wrong[0] if wrong else None,
        {"equal": True, "different": False, "not told": None}[whole],
        formulas,
    )


def _traced(function: Function, structure: Any, given: list[np.ndarray], position: int) -> Any:
    """Trace a function; if it computes with NumPy, return it as a function of flat arguments."""

    def flat(*leaves: Any) -> list[Any]:
        return jax.tree.leaves(function(*jax.tree.unflatten(structure, leaves)))

    try:
        with jax.enable_x64(True):
            return jax.make_jaxpr(flat)(*given)
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError):
        return flat
    except Exception as error:
        name = "the first function" if position == 0 else f"line {position - 1}"
        raise UsageError(
            f"{name} raises {type(error).__name__} for {describe(tuple(given))}: {error}. "
            "Every line is called with the same arguments."
        ) from error


def _described(formula: Formula) -> str:
    if formula.verdict == "different":
        assert formula.where is not None
        assert formula.values is not None
        ours, theirs = formula.values
        index = formula.where[1]
        at = f" at [{', '.join(map(str, index))}]" if index else ""
        return f"wrong{at}: {ours} where the line before is {theirs}"
    return formula.verdict + (f" ({formula.note})" if formula.note else "")
