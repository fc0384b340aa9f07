r"""How far rounding alone can move a result: Monte Carlo arithmetic.

The function is traced, and its operations are evaluated in float64 with a random relative error of
one unit of roundoff u in the result of each, and an absolute one of the smallest normal number,
below which digits are lost: $\mathrm{fl}(a \circ b) = (a \circ b)(1 + u \xi) + \eta \xi$.
The spread of a few such evaluations is what rounding does to each coordinate of the result,
with the cancellation and the conditioning of this very computation, and however many coordinates
there are.

A sum of n terms is perturbed in its terms, by $\sqrt{n} u$: rounding errors of n additions grow
like that (Higham and Mary, 2019). One part of the error is each term's own, one they have in
common, as terms of the same sign do in sums from left to right.

The terms of a sum of two are perturbed too, anew at each use and in proportion to the largest
number that they were summed from: a compiler may compute a term anew where it is used, and contract
a product and a sum. Then $z - \max z$, with a product z rounded the one time and not the other, is
off by u z where it is zero on paper, and not twice by the same amount.

References:
    D. S. Parker, "Monte Carlo arithmetic", 1997.
    N. J. Higham, T. Mary, "A new approach to probabilistic rounding error analysis", 2019.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal
from jaxtyping import Array, Float, PyTree

SAMPLES = 16
# noise is cut from a table: drawing it anew for each operation costs seconds of compilation
TABLE = 16_384
# by how much noise moves along the table from one iteration of a loop to the next
STRIDE = 997

# results that are among the operands, or differ from them in sign only
EXACT = frozenset(
    [
        *("neg", "abs", "sign", "max", "min", "select_n", "clamp", "reduce_max", "reduce_min"),
        *("transpose", "reshape", "broadcast_in_dim", "squeeze", "slice", "gather", "rev", "pad"),
        *("concatenate", "split", "dynamic_slice", "dynamic_update_slice", "sort", "copy"),
        *("convert_element_type", "reduce_precision", "stop_gradient", "device_put"),
    ]
)


def sampled(
    function: Callable[..., PyTree[Array]], samples: int = SAMPLES
) -> Callable[..., PyTree[Float[Array, "S ..."]]]:
    """A function evaluated several times with random rounding.

    Args:
        function: From arrays to a pytree of floating arrays; must be traceable.
        samples: How many evaluations, S.

    Returns:
        A function of (unit of roundoff u, smallest normal number, *arguments) to the results,
        stacked along a leading axis; to be called with float64 enabled. The arguments are taken
        to be exact.

    Example:
        >>> with jax.enable_x64(True):
        ...     difference = lambda x: (1 + x) - 1  # loses the digits of a small x
        ...     results = np.asarray(sampled(difference)(2.0**-24, 1e-38, jnp.array(1e-6)))
        >>> bool(1e-8 < np.std(results) < 1e-7)
        True
    """

    def evaluations(unit: float | Array, smallest: float | Array, *arguments: Any) -> PyTree[Array]:
        tables = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (samples, TABLE)))

        def once(table: Float[Array, " table"]) -> PyTree[Array]:
            rounding = Rounding(jnp.asarray(unit), jnp.asarray(smallest), table)
            return rounding.evaluate(function, arguments)

        return jax.lax.map(once, tables)

    return evaluations


class Rounding:
    """Evaluates a jaxpr with noise; the only state is where in the table the next noise starts."""

    def __init__(self, unit: Array, smallest: Array, table: Float[Array, " table"]) -> None:
        self.unit, self.smallest, self.table = unit, smallest, table
        self.starts = np.random.default_rng(0)

    def evaluate(self, function: Callable[..., PyTree[Array]], arguments: Any) -> PyTree[Array]:
        """What a function returns, rounded at random."""
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        leaves = self.run(closed.jaxpr, closed.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), leaves)

    def run(self, jaxpr: Jaxpr, constants: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        """The values of a jaxpr's outputs."""
        known = dict(zip(jaxpr.constvars, constants, strict=True))
        known |= zip(jaxpr.invars, inputs, strict=True)

        largest: dict[Any, Any] = {}  # that a sum of two was made from

        def read(variable: Any) -> Any:
            return variable.val if isinstance(variable, Literal) else known[variable]

        def size(variable: Any) -> Any:
            if not isinstance(variable, Literal) and variable in largest:
                return largest[variable]
            return abs(read(variable))

        for equation in jaxpr.eqns:
            operands = [read(variable) for variable in equation.invars]
            if equation.primitive.name in {"add", "sub"}:
                sizes = [size(variable) for variable in equation.invars]
                operands = [self.perturb(*each) for each in zip(operands, sizes, strict=True)]
                largest[equation.outvars[0]] = jnp.maximum(*sizes)
            known |= zip(equation.outvars, self.operation(equation, operands), strict=True)
        return [read(variable) for variable in jaxpr.outvars]

    def operation(self, equation: Any, operands: list[Any]) -> list[Any]:
        """The rounded results of one operation."""
        name, parameters = equation.primitive.name, equation.params
        if name == "scan":
            return self.scan(parameters, operands)
        if (called := called_jaxpr(equation)) is not None:
            return self.run(called.jaxpr, called.consts, operands)
        terms = summed_terms(equation)
        if terms > 1:
            # the error can be put on either factor of a product; the smaller one is cheaper
            smaller = min(range(len(operands)), key=lambda i: operands[i].size)
            operands[smaller] = self.perturb(operands[smaller], terms=terms)
        results = equation.primitive.bind(*operands, **parameters)
        results = results if equation.primitive.multiple_results else [results]
        return results if name in EXACT else [self.perturb(result) for result in results]

    def scan(self, parameters: dict[str, Any], operands: list[Any]) -> list[Any]:
        """A scan, with other noise in each of its iterations."""
        body, fixed, carried = (parameters[k] for k in ("jaxpr", "num_consts", "num_carry"))
        constants, init, xs = np.split(np.arange(len(operands)), [fixed, fixed + carried])

        def step(carry: list[Any], x: list[Any]) -> tuple[list[Any], list[Any]]:
            table, *carry = carry
            inputs = [*(operands[i] for i in constants), *carry, *x]
            inside = Rounding(self.unit, self.smallest, table)
            results = inside.run(body.jaxpr, body.consts, inputs)
            return [jnp.roll(table, STRIDE), *results[:carried]], results[carried:]

        (_, *carry), ys = jax.lax.scan(
            step,
            [jnp.roll(self.table, STRIDE), *(operands[i] for i in init)],
            [operands[i] for i in xs],
            parameters["length"],
            parameters["reverse"],
        )
        return [*carry, *ys]

    def perturb(self, values: Any, size: Any = None, *, terms: int = 1) -> Any:
        """Values with an error of one unit of roundoff, or of a sum's, relative to a size."""
        values = jnp.asarray(values)
        size = values if size is None else size
        if not jnp.issubdtype(values.dtype, jnp.floating) or values.size == 0:
            return values
        noise = self.noise(values.size).reshape(values.shape)
        if terms > 1:
            noise = noise + self.noise(1)[0]
        relative = (math.sqrt(terms) * self.unit * noise).astype(values.dtype)
        absolute = (self.smallest * noise).astype(values.dtype)
        # what is exactly zero stays so: it is that by structure, not by rounding
        return jnp.where(values == 0, values, values + size * relative + absolute)

    def noise(self, size: int) -> Float[Array, " size"]:
        """Some of the table, as often as it takes."""
        start = int(self.starts.integers(TABLE))
        repeated = jnp.tile(self.table, -(-(start + size) // TABLE))
        return repeated[start : start + size]


def called_jaxpr(equation: Any) -> ClosedJaxpr | None:
    """The jaxpr of an operation that only calls it: jit, checkpoint, custom derivatives."""
    if equation.primitive.name not in {
        *("jit", "pjit", "closed_call", "core_call", "checkpoint", "remat"),
        *("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"),
    }:
        return None
    names = ("jaxpr", "call_jaxpr", "fun_jaxpr")
    called = next(equation.params[name] for name in names if name in equation.params)
    return ClosedJaxpr(called, []) if isinstance(called, Jaxpr) else called


def summed_terms(equation: Any) -> int:
    """How many terms each result of an operation is the sum of."""
    name, parameters = equation.primitive.name, equation.params
    shapes = [variable.aval.shape for variable in equation.invars]
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        return math.prod(shapes[0][axis] for axis in contracted)
    if name == "reduce_sum":
        return math.prod(shapes[0][axis] for axis in parameters["axes"])
    if name == "cumsum":
        return shapes[0][parameters["axis"]]
    if name == "conv_general_dilated":
        kernel = parameters["dimension_numbers"].rhs_spec  # (features out, features in, *space)
        return math.prod(shapes[1]) // shapes[1][kernel[0]]
    return 1
