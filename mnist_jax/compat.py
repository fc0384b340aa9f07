"""All that may differ between JAX's versions: names that JAX does not promise to keep, and forms.

The rest of `mnist_jax` and of `experiments` uses JAX's public and stable names only. A jaxpr's
parameters are no stable API: what scans, loops, branches and calls are made of is read here, and a
form that is not known is an error that says so.
"""

import functools
import inspect
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun

from mnist_jax.errors import UsageError

__all__ = [
    "CALLS",
    "LOWERED",
    "RULES",
    "ClosedJaxpr",
    "Jaxpr",
    "Literal",
    "Scan",
    "Solve",
    "UnknownForm",
    "While",
    "branches",
    "called",
    "convert_at_each_use",
    "function_name",
    "get_topology_desc",
    "inner",
    "jaxpr_as_fun",
    "process_allgather",
    "sync_processes",
]

CALLS = frozenset(("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat", "remat2"))
"""Operations that do nothing but call a function, by their names in any version."""
RULES = frozenset(("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"))
"""Operations that call a function which has a derivative rule of its own."""

LOWERED = frozenset(("call_hi_primitive",))
"""Operations that JAX replaces by others when it compiles, from 0.11 on."""


class UnknownForm(UsageError):  # noqa: N818 - as Unsupported, beside it
    """This version of JAX writes an operation in a form that is not known here."""


def _parameter(equation: Any, *names: str) -> Any:
    for name in names:
        if name in equation.params:
            return equation.params[name]
    raise UnknownForm(
        f"jax {jax.__version__} writes {equation.primitive.name} in a form that mnist_jax does not "
        f"know: its parameters are {', '.join(sorted(equation.params))}, none of them "
        f"{' or '.join(names)}. Install a version of jax that the README names as tested."
    )


def called(equation: Any) -> Any:
    """The jaxpr of an operation that calls it: a function, or the body of a scan.

    Args:
        equation: Operation of a jaxpr.

    Returns:
        The jaxpr, closed or not.

    Raises:
        UnknownForm: If this version of JAX keeps it under another name.
    """
    if equation.primitive.name in LOWERED:
        shapes = tuple((v.aval.shape, v.aval.dtype) for v in equation.invars)
        return _lowered(equation.primitive, _parameter(equation, "_prim"), shapes)
    return _parameter(equation, "jaxpr", "call_jaxpr", "fun_jaxpr")


@functools.lru_cache
def _lowered(primitive: Any, high: Any, shapes: tuple[tuple[Any, Any], ...]) -> ClosedJaxpr:
    """What an operation is replaced by; the same object each time, as equations are told apart."""
    with jax.enable_x64(any(np.dtype(dtype).itemsize == 8 for _, dtype in shapes)):
        given = [jax.ShapeDtypeStruct(*each) for each in shapes]
        return jax.make_jaxpr(lambda *xs: primitive.to_lojax(*xs, _prim=high))(*given)


class Scan(NamedTuple):
    """The parts of a scan.

    Attributes:
        body: The jaxpr of an iteration, from constants, carry and x to carry and y.
        constants: How many operands are the same in each iteration.
        carried: How many are carried from one to the next; the others are scanned.
        length: How many iterations there are.
        reverse: Whether the last x comes first.
    """

    body: Any
    constants: int
    carried: int
    length: int
    reverse: bool

    @classmethod
    def of(cls, equation: Any) -> "Scan":
        """The parts, told apart by their ranks: what is scanned or stacked has one axis more.

        The parameters that count them have other names in each version of JAX.
        """
        body = called(equation)
        jaxpr = getattr(body, "jaxpr", body)
        scanned = _of_other_rank(equation.invars, jaxpr.invars)
        carried = len(equation.outvars) - _of_other_rank(equation.outvars, jaxpr.outvars)
        constants = len(equation.invars) - scanned - carried
        length, reverse = _parameter(equation, "length"), _parameter(equation, "reverse")
        return cls(body, constants, carried, length, reverse)


def _of_other_rank(outside: Sequence[Any], inside: Sequence[Any]) -> int:
    pairs = zip(outside, inside, strict=True)
    return sum(len(a.aval.shape) != len(b.aval.shape) for a, b in pairs)


class While(NamedTuple):
    """The parts of a loop; its operands are the condition's, the body's, and what is carried.

    Attributes:
        condition: The jaxpr from its constants and the carry to whether the loop goes on.
        asked: How many constants the condition has.
        body: The jaxpr from its constants and the carry to the carry.
        constants: How many constants the body has.
    """

    condition: Any
    asked: int
    body: Any
    constants: int

    @classmethod
    def of(cls, equation: Any) -> "While":
        """The parts, by the names of the parameters."""
        names = ("cond_jaxpr", "cond_nconsts", "body_jaxpr", "body_nconsts")
        return cls(*(_parameter(equation, name) for name in names))


def branches(equation: Any) -> Sequence[Any]:
    """The jaxprs among which a `cond` or `switch` chooses."""
    return _parameter(equation, "branches")


class Solve(NamedTuple):
    """What solves in a `custom_linear_solve`.

    Attributes:
        solver: The jaxpr, from its constants and the right side to the solution.
        constants: Which operands are its constants.
        right: Which operands are the right side.
    """

    solver: Any
    constants: slice
    right: slice

    @classmethod
    def of(cls, equation: Any) -> "Solve":
        """The third of four functions; the operands are the constants of each, then the side."""
        lengths = [0, *np.cumsum(_parameter(equation, "const_lengths"))]
        solver = _parameter(equation, "jaxprs")[2]
        return cls(solver, slice(lengths[2], lengths[3]), slice(lengths[4], None))


def inner(equation: Any) -> Sequence[Any]:
    """The jaxprs that an operation which calls others runs, each once; of branches, the first."""
    name = equation.primitive.name
    if name == "while":
        return [While.of(equation).body]
    if name == "cond":
        return [branches(equation)[0]]
    if name == "custom_linear_solve":
        return [Solve.of(equation).solver]
    return [called(equation)]


def function_name(equation: Any) -> str:
    """The name of the function that an operation with a rule calls; else the operation's."""
    inside = equation.params.get("call_jaxpr")
    info = getattr(getattr(inside, "jaxpr", inside), "debug_info", None)
    return str(getattr(info, "func_name", None) or equation.primitive.name)


def sync_processes(name: str) -> None:
    """Waits until all processes have come to this call of the same name."""
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices(name)


def get_topology_desc(**options: Any) -> Any:
    """Devices that are not there, for the compilers that know them."""
    from jax.experimental import topologies

    return topologies.get_topology_desc(**options)


def process_allgather(array: Any) -> np.ndarray:
    """The arrays of all processes, on each of them."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array))


def convert_at_each_use() -> None:
    """Makes JAX convert a NumPy array at each use, in the precision of that moment.

    From 0.9.2 on JAX converts an array once, at its first use, and goes on to use the copy after
    the precision has changed. Where JAX has neither form, it is left alone with a warning.
    """
    if jax.__version_info__ < (0, 9, 2):
        return
    try:
        from jax._src import dtypes, literals

        make, handlers = literals.TypedNdArray, dtypes.canonicalize_value_handlers
        takes = inspect.signature(make.__new__).parameters
        canonical = dtypes.canonicalize_dtype
    except (ImportError, AttributeError) as error:
        warnings.warn(
            f"jax {jax.__version__} converts NumPy arrays in a form that mnist_jax does not know "
            f"({error}): functions that close over float64 arrays may fail in float32. Install a "
            "version of jax that the README names as tested.",
            stacklevel=2,
        )
        return
    # 0.9.2 asks whether the type is weak
    strong: dict[str, Any] = {"weak_type": False} if "weak_type" in takes else {}

    def convert(array: np.ndarray) -> Any:
        return make(np.asarray(array, canonical(array.dtype)), **strong)

    handlers[np.ndarray] = convert
