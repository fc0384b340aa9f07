"""Lower bounds of the time of a program, from the published peak rates of a device.

No program reaches them, and nothing here is measured: a roofline tells what is too much to hope.
"""

import math
from typing import Any, NamedTuple

from experiments.accelerators.devices import Device
from mnist_jax.gradcheck.arithmetic.cost import summed_terms

PRODUCTS = ("dot_general", "conv_general_dilated")


class Roofline(NamedTuple):
    """A lower bound of a time.

    Attributes:
        seconds: The largest of the bounds.
        bound: What gives it: operations, memory or link.
    """

    seconds: float
    bound: str


def roofline(
    device: Device, precision: str, operations: float, read_and_written: float, told: float = 0
) -> Roofline:
    """The lower bound of the time of a program on one chip.

    Args:
        device: The device.
        precision: Dtype of the products.
        operations: Number of operations in the products.
        read_and_written: Bytes that go to or come from the memory.
        told: Bytes that the chip tells others.

    Example:
        >>> from experiments.accelerators.devices import H100
        >>> roofline(H100, "float32", operations=67e12, read_and_written=3.35e12 / 2)
        Roofline(seconds=1.0, bound='operations')
    """
    bounds = {"memory": read_and_written / device.bandwidth, "link": told / device.link}
    if precision in device.operations:
        bounds["operations"] = operations / device.operations[precision]
    bound = max(bounds, key=lambda name: bounds[name])
    return Roofline(bounds[bound], bound)


def operations(jaxpr: Any) -> int:
    """Multiplications and additions in the products of a traced program.

    Args:
        jaxpr: The program. Of a branch, the one with most is counted.

    Raises:
        ValueError: If a product is in a loop whose length is not known.

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
            inner = sum(operations(each) for each in _jaxprs(parameters))
            if inner and name == "while":
                raise ValueError("a product in a loop whose length is not known")
            total += inner * parameters.get("length", 1)
    return total


def _jaxprs(parameters: dict[str, Any]) -> list[Any]:
    return [
        value for value in parameters.values() if hasattr(getattr(value, "jaxpr", value), "eqns")
    ]
