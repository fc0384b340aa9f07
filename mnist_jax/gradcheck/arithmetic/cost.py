"""Estimates the time to evaluate a traced function in NumPy, and the length of its sums."""

import math
from typing import Any

from mnist_jax.compat import inner
from mnist_jax.gradcheck.arithmetic.interpreter import FORMS

# measured time of an operation on one core, in seconds
PER_OPERATION, PER_NUMBER, PER_PRODUCT = 2e-5, 2e-8, 3e-10
# assumed number of iterations of a loop whose length is not known
LOOPS = 100


def cost(closed: Any, times: int = 1) -> tuple[int, float]:
    """Return the number of operations of one evaluation, and its approximate time in seconds."""
    operations, seconds = 0, 0.0
    for equation in closed.jaxpr.eqns:
        name, parameters = equation.primitive.name, equation.params
        if name in FORMS:
            repeated = times * parameters.get("length", LOOPS if name == "while" else 1)
            costs = [cost(jaxpr, repeated) for jaxpr in inner(equation)]
            operations += sum(each[0] for each in costs)
            seconds += sum(each[1] for each in costs)
            continue
        size = sum(math.prod(v.aval.shape) for v in equation.outvars)
        products = summed_terms(equation) * size if name == "dot_general" else 0
        operations += times
        seconds += times * (PER_OPERATION + PER_NUMBER * size + PER_PRODUCT * products)
    return operations, seconds


def summed_terms(equation: Any) -> int:
    """Return the number of terms that each result of an operation is the sum of."""
    name, parameters = equation.primitive.name, equation.params
    shapes = [variable.aval.shape for variable in equation.invars]
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        return math.prod(shapes[0][axis] for axis in contracted)
    if name == "reduce_sum":
        return math.prod(shapes[0][axis] for axis in parameters["axes"])
    if name == "cumsum":
        return shapes[0][parameters["axis"]]
    if name == "reduce_window_sum":
        return math.prod(parameters["window_dimensions"])
    if name == "conv_general_dilated":
        kernel = parameters["dimension_numbers"].rhs_spec  # (features out, features in, *space)
        return math.prod(shapes[1]) // shapes[1][kernel[0]]
    return 1
