"""Everything that may differ between versions of JAX: unstable names, and parameters of jaxprs.

Other modules of `mnist_jax` and `experiments` use only stable public names. The parameters of
scans, loops, branches and calls in a jaxpr are not a stable API; they are read here, and an unknown
form raises an error.
"""

import functools
import inspect
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.core import Tracer  # noqa: F401 - other modules import it from here
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun  # noqa: F401 - likewise

from mnist_jax.errors import UsageError

CALLS = frozenset(("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat", "remat2"))
"""Operations that only call a function, by their names in any version."""
RULES = frozenset(("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"))
"""Operations that call a function with a custom derivative rule."""

LOWERED = frozenset(("call_hi_primitive",))
"""Operations that JAX replaces during compilation, from version 0.11."""


class UnknownForm(UsageError):  # noqa: N818 - as Unsupported
    """Raised when this version of JAX writes an operation in an unknown form."""


def _parameter(equation: Any, *names: str) -> Any:
    for name in names:
        if name in equation.params:
            return equation.params[name]
    raise UnknownForm(
        f"jax {jax.__version__} writes {equation.primitive.name} in a form that mnist_jax does not "
        f"know: its parameters are {', '.join(sorted(equation.params))}, none of them "
        f"{' or '.join(names)}. Install a version of jax that the README names as tested."
    )


def called(equation: Any) -> ClosedJaxpr:
    """Returns the closed jaxpr that an operation calls: a function, or the body of a scan.

    Raises:
        UnknownForm: If this version of JAX stores it under another name.
    """
    if equation.primitive.name in LOWERED:
        shapes = tuple((v.aval.shape, v.aval.dtype) for v in equation.invars)
        return _lowered(equation.primitive, _parameter(equation, "_prim"), shapes)
    jaxpr = _parameter(equation, "jaxpr", "call_jaxpr", "fun_jaxpr")
    # from version 0.11, both are one class, and closing a jaxpr again loses its constants
    return jaxpr if isinstance(jaxpr, ClosedJaxpr) else ClosedJaxpr(jaxpr, [])


@functools.lru_cache
def _lowered(primitive: Any, high: Any, shapes: tuple[tuple[Any, Any], ...]) -> ClosedJaxpr:
    """Returns the replacement of an operation, the same object for equal arguments."""
    with jax.enable_x64(any(np.dtype(dtype).itemsize == 8 for _, dtype in shapes)):
        arguments = [jax.ShapeDtypeStruct(*shape) for shape in shapes]
        return jax.make_jaxpr(lambda *xs: primitive.to_lojax(*xs, _prim=high))(*arguments)


class Scan(NamedTuple):
    """Parts of a scan.

    Attributes:
        body: Jaxpr of an iteration, from constants, carry and x to carry and y.
        constants: Number of operands that are the same in each iteration.
        carried: Number of carried operands; the other operands are scanned.
        length: Number of iterations.
        reverse: Whether the scan starts with the last x.
    """

    body: ClosedJaxpr
    constants: int
    carried: int
    length: int
    reverse: bool

    @classmethod
    def of(cls, equation: Any) -> "Scan":
        """Returns the parts, distinguished by rank: scanned and stacked arrays have one more axis.

        The parameters that count them have different names in each version of JAX.
        """
        body = called(equation)
        scanned = _count_other_ranks(equation.invars, body.jaxpr.invars)
        carried = len(equation.outvars) - _count_other_ranks(equation.outvars, body.jaxpr.outvars)
        constants = len(equation.invars) - scanned - carried
        length, reverse = _parameter(equation, "length"), _parameter(equation, "reverse")
        return cls(body, constants, carried, length, reverse)


def _count_other_ranks(outside: Sequence[Any], inside: Sequence[Any]) -> int:
    pairs = zip(outside, inside, strict=True)
    return sum(len(a.aval.shape) != len(b.aval.shape) for a, b in pairs)


class While(NamedTuple):
    """Parts of a loop, whose operands are the constants of condition and body, and the carry.

    Attributes:
        condition: Jaxpr from its constants and the carry to whether the loop continues.
        asked: Number of constants of the condition.
        body: Jaxpr from its constants and the carry to the carry.
        constants: Number of constants of the body.
    """

    condition: Any
    asked: int
    body: Any
    constants: int

    @classmethod
    def of(cls, equation: Any) -> "While":
        """Returns the parts by the names of the parameters."""
        names = ("cond_jaxpr", "cond_nconsts", "body_jaxpr", "body_nconsts")
        return cls(*(_parameter(equation, name) for name in names))

    @property
    def compares_floats(self) -> bool:
        """Whether the condition depends on floats, as until convergence."""
        variables = [v for equation in self.condition.jaxpr.eqns for v in equation.invars]
        return any(jax.numpy.issubdtype(v.aval.dtype, np.floating) for v in variables)


def branches(equation: Any) -> Sequence[Any]:
    """Returns the jaxprs of the branches of a `cond` or `switch`."""
    return _parameter(equation, "branches")


def inside(equation: Any) -> list[Jaxpr]:
    """Returns all jaxprs in the parameters of an operation, of any form."""
    return [
        getattr(each, "jaxpr", each)
        for value in equation.params.values()
        for each in (value if isinstance(value, tuple | list) else (value,))
        if hasattr(getattr(each, "jaxpr", each), "eqns")
    ]


def num_devices(equation: Any) -> int:
    """Returns the number of devices that share a `shard_map` or `pmap`."""
    return _parameter(equation, "mesh").size


class Solve(NamedTuple):
    """Solver of a `custom_linear_solve`.

    Attributes:
        solver: Jaxpr from its constants and the right-hand side to the solution.
        constants: Indices of the operands that are its constants.
        right: Indices of the operands that are the right-hand side.
    """

    solver: Any
    constants: slice
    right: slice

    @classmethod
    def of(cls, equation: Any) -> "Solve":
        """Returns the third of four functions; the operands are their constants, then the side."""
        lengths = [0, *np.cumsum(_parameter(equation, "const_lengths"))]
        solver = _parameter(equation, "jaxprs")[2]
        return cls(solver, slice(lengths[2], lengths[3]), slice(lengths[4], None))


def inner(equation: Any) -> Sequence[Any]:
    """Returns the jaxprs that an operation calls; for branches, the first one."""
    name = equation.primitive.name
    if name == "while":
        return [While.of(equation).body]
    if name == "cond":
        return [branches(equation)[0]]
    if name == "custom_linear_solve":
        return [Solve.of(equation).solver]
    return [called(equation)]


def function_name(equation: Any) -> str:
    """Returns the name of the function that an operation calls, or of the operation."""
    inside = equation.params.get("call_jaxpr")
    info = getattr(getattr(inside, "jaxpr", inside), "debug_info", None)
    return str(getattr(info, "func_name", None) or equation.primitive.name)


def sync_processes(name: str) -> None:
    """Waits until all processes have reached this call with the same name."""
    from jax.experimental import multihost_utils

    multihost_utils.sync_global_devices(name)


def get_topology_desc(**options: Any) -> Any:
    """Returns a description of devices that are not present, for their compilers."""
    from jax.experimental import topologies

    return topologies.get_topology_desc(**options)


def process_allgather(array: Any) -> np.ndarray:
    """Gathers the arrays of all processes in each process."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array))


def convert_at_each_use() -> None:
    """Makes JAX convert a NumPy array at each use, in the current precision.

    From version 0.9.2, JAX converts an array only at its first use, and uses this copy after the
    precision has changed. If JAX has an unknown form, it is not changed, with a warning.
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
    # 0.9.2 requires the weak type
    strong: dict[str, Any] = {"weak_type": False} if "weak_type" in takes else {}

    def convert(array: np.ndarray) -> Any:
        return make(np.asarray(array, canonical(array.dtype)), **strong)

    handlers[np.ndarray] = convert
