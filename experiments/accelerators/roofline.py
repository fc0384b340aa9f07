"""Rooflines: lower bounds of the time of a program, from published peak rates of a device.

Nothing here is measured, and no program reaches these bounds.
"""

import math
from typing import Any, NamedTuple

from experiments.accelerators.devices import Device
from mnist_jax.compat import inside
from mnist_jax.gradcheck.arithmetic.cost import summed_terms

PRODUCTS = ("dot_general", "conv_general_dilated")


class Roofline(NamedTuple):
    """A lower bound of a time."""

    seconds: float  # largest of the bounds
    bound: str  # resource of the largest bound: operations, memory or link


def roofline(
    device: Device, precision: str, operations: float, traffic: float, exchanged: float = 0
) -> Roofline:
    """Computes the lower bound of the time of a program on one chip.

    Args:
        device: Device.
        precision: Dtype of the products.
        operations: Number of operations in the products.
        traffic: Number of bytes read from and written to memory.
        exchanged: Number of bytes sent to other chips.

    Example:
        >>> from experiments.accelerators.devices import H100
        >>> roofline(H100, "float32", operations=67e12, traffic=3.35e12 / 2)
        Roofline(seconds=1.0, bound='operations')
    """
    bounds = {"memory": traffic / device.bandwidth, "link": exchanged / device.link}
    if precision in device.operations:
        bounds["operations"] = operations / device.operations[precision]
    bound = max(bounds, key=lambda name: bounds[name])
    return Roofline(bounds[bound], bound)


def operations(jaxpr: Any) -> int:
    """Counts multiplications and additions in the products of a traced program.

    A condition counts as its most expensive branch.

    Raises:
        ValueError: If a product is in a loop of unknown length.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> operations(jax.make_jaxpr(jnp.matmul)(jnp.ones((2, 3)), jnp.ones((3, 4))))
        48
    """
    total = 0
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        name, parameters = equation.primitive.name, equation.params
        if name in PRODUCTS:
            total += 2 * summed_terms(equation) * math.prod(equation.outvars[0].aval.shape)
        elif name == "cond":
            total += max(operations(branch) for branch in parameters["branches"])
        else:
            inner = sum(map(operations, inside(equation)))
            if inner and name == "while":
                raise ValueError("a product in a loop of unknown length")
            total += inner * parameters.get("length", 1)
    return total
