"""Operations that move numbers, select numbers, or compute with integers.

They are common to all arithmetics, because NumPy moves objects like floats. The functions take the
operands and those parameters of the operation that they need.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mnist_jax.gradcheck.arithmetic.elementwise import FLOATS

Function = Callable[..., Any]


def is_floating(array: Any) -> bool:
    """Return whether an array (or its abstract value) has floating numbers, or objects."""
    return array.dtype == object or bool(jnp.issubdtype(array.dtype, jnp.inexact))


def bind(equation: Any, operands: list[Any]) -> list[Any]:
    """Evaluate an operation with JAX, on operands cast to the dtypes in the jaxpr."""

    def host(array: Any) -> Any:
        return array if jnp.issubdtype(array.dtype, jax.dtypes.extended) else np.asarray(array)

    avals = [variable.aval for variable in equation.invars]
    with jax.enable_x64(True):
        given = [
            jnp.asarray(np.asarray(x, a.dtype)) if isinstance(x, np.ndarray) else x
            for x, a in zip(operands, avals, strict=True)
        ]
        parameters = equation.primitive.get_bind_params(equation.params)
        results = equation.primitive.bind(*given, **parameters)
        return [host(x) for x in (results if equation.primitive.multiple_results else [results])]


def apply(function: Function, equation: Any, operands: list[Any]) -> list[Any]:
    """Call a function from one of the tables; NumPy's ufuncs take no parameters."""
    parameters = {} if isinstance(function, np.ufunc) else equation.params
    results = function(*operands, **parameters)
    return results if isinstance(results, list) else [results]


def broadcast_in_dim(x: np.ndarray, *_: Any, shape: Any, broadcast_dimensions: Any, **__: Any):
    """Add axes to an array, and repeat it along them."""
    kept = [1] * len(shape)
    for size, axis in zip(x.shape, broadcast_dimensions, strict=True):
        kept[axis] = size
    return np.broadcast_to(x.reshape(kept), shape)


def pad(x: np.ndarray, value: np.ndarray, padding_config: Any) -> np.ndarray:
    """Pad an array with a value around it and between its entries; negative padding cuts."""
    spread = [
        size + max(size - 1, 0) * gap
        for size, (_, _, gap) in zip(x.shape, padding_config, strict=True)
    ]
    shape = [n + max(a, 0) + max(b, 0) for n, (a, b, _) in zip(spread, padding_config, strict=True)]
    result = np.full(shape, value.item(), x.dtype)
    inside = [
        slice(max(a, 0), max(a, 0) + n, gap + 1)
        for n, (a, _, gap) in zip(spread, padding_config, strict=True)
    ]
    result[tuple(inside)] = x
    cut = [
        slice(max(-a, 0), n - max(-b, 0))
        for n, (a, b, _) in zip(shape, padding_config, strict=True)
    ]
    return result[tuple(cut)]


def _slices(shape: Any, starts: Any, sizes: Any) -> tuple[slice, ...]:
    # as in JAX, a slice that exceeds the array is shifted into it
    starts = [int(np.clip(s, 0, n - k)) for n, s, k in zip(shape, starts, sizes, strict=True)]
    return tuple(slice(s, s + k) for s, k in zip(starts, sizes, strict=True))


def dynamic_slice(x: np.ndarray, *starts: Any, slice_sizes: Any) -> np.ndarray:
    """Return a slice that starts at the given indices."""
    return x[_slices(x.shape, starts, slice_sizes)]


def dynamic_update_slice(x: np.ndarray, update: np.ndarray, *starts: Any) -> np.ndarray:
    """Replace a slice that starts at the given indices."""
    result = x.copy()
    result[_slices(x.shape, starts, update.shape)] = update
    return result


def _positions(shape: Any, indices: Any, dimension_numbers: Any, sizes: Any, mode: Any) -> Any:
    with jax.enable_x64(True):
        positions = jnp.arange(int(np.prod(shape))).reshape(shape)
        gathered = jax.lax.gather(
            positions, jnp.asarray(indices), dimension_numbers, sizes, mode=mode, fill_value=-1
        )
        return np.asarray(gathered)


def gather(
    x: np.ndarray,
    indices: Any,
    *,
    dimension_numbers: Any,
    slice_sizes: Any,
    mode: Any,
    fill_value: Any = None,
    **_: Any,
) -> np.ndarray:
    """Return the entries at the given indices."""
    where = _positions(x.shape, indices, dimension_numbers, slice_sizes, mode)
    taken = np.asarray(x.ravel()[where] if x.size else np.empty(where.shape, x.dtype))
    if np.any(where < 0):
        missing = np.nan if fill_value is None else fill_value
        taken = np.where(where < 0, np.asarray(missing, x.dtype), taken)
    return taken


def scatter(
    combine: Any,
    x: np.ndarray,
    indices: Any,
    updates: np.ndarray,
    *,
    dimension_numbers: Any,
    mode: Any,
    **_: Any,
) -> np.ndarray:
    """Replace entries of an array, or combine them with updates.

    The positions are those that a gather with the same indices reads.
    """
    numbers = dimension_numbers
    window = iter(updates.shape[axis] for axis in numbers.update_window_dims)
    single = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    sizes = [1 if axis in single else next(window) for axis in range(x.ndim)]
    gathering = jax.lax.GatherDimensionNumbers(
        offset_dims=numbers.update_window_dims,
        collapsed_slice_dims=numbers.inserted_window_dims,
        start_index_map=numbers.scatter_dims_to_operand_dims,
        operand_batching_dims=numbers.operand_batching_dims,
        start_indices_batching_dims=numbers.scatter_indices_batching_dims,
    )
    where = _positions(x.shape, indices, gathering, sizes, mode)
    result, inside = x.flatten(), where >= 0
    if combine is None:
        result[where[inside]] = updates[inside]
    else:
        combine.at(result, where[inside], updates[inside])
    return result.reshape(x.shape)


def select_n(which: np.ndarray, *cases: np.ndarray) -> np.ndarray:
    """Select each entry from the case that the first operand gives."""
    result = cases[0]
    for number, case in enumerate(cases[1:], 1):
        result = np.where(which == number, case, result)
    return result


def iota(dtype: Any, shape: Any, dimension: int, **_: Any) -> np.ndarray:
    """Return the numbers from 0 along an axis."""
    along = [-1 if axis == dimension else 1 for axis in range(len(shape))]
    return np.broadcast_to(np.arange(shape[dimension]).astype(dtype).reshape(along), shape)


def _same(*operands: Any, **_: Any) -> Any:
    return operands[0] if len(operands) == 1 else list(operands)


# collectives of a single device: only its function is evaluated operation by operation
OF_ONE_DEVICE: dict[str, Function] = {
    **dict.fromkeys(("psum", "psum_invariant", "pmax", "pmin", "pcast"), lambda *xs, **_: [*xs]),
    "all_gather": lambda x, all_gather_dimension, tiled, **_: (
        x if tiled else np.expand_dims(x, all_gather_dimension)
    ),
    "reduce_scatter": lambda x, scatter_dimension, tiled, **_: (
        x if tiled else np.squeeze(x, scatter_dimension)
    ),
    "axis_index": lambda **_: np.zeros((), np.int32),
}
STRUCTURE: dict[str, Function] = {
    **OF_ONE_DEVICE,
    **dict.fromkeys(("copy", "copy_p", "stop_gradient", "optimization_barrier"), _same),
    **dict.fromkeys(("sharding_constraint", "device_put", "pvary", "reshard"), _same),
    "reshape": lambda x, new_sizes, dimensions, **_: (
        x if dimensions is None else x.transpose(dimensions)
    ).reshape(new_sizes),
    "transpose": lambda x, permutation: x.transpose(permutation),
    "squeeze": lambda x, dimensions: x.squeeze(tuple(dimensions)),
    "expand_dims": lambda x, dimensions: np.expand_dims(x, tuple(dimensions)),
    "broadcast_in_dim": broadcast_in_dim,
    "slice": lambda x, start_indices, limit_indices, strides: x[
        tuple(map(slice, start_indices, limit_indices, strides or [1] * x.ndim))
    ],
    "dynamic_slice": dynamic_slice,
    "dynamic_update_slice": dynamic_update_slice,
    "gather": gather,
    "scatter": partial(scatter, None),
    "scatter-add": partial(scatter, np.add),
    "scatter-sub": partial(scatter, np.subtract),
    "scatter-mul": partial(scatter, np.multiply),
    "concatenate": lambda *xs, dimension: np.concatenate(xs, axis=dimension),
    "stack": lambda *xs, axis: np.stack(xs, axis=axis),
    "unstack": lambda x, axis: list(np.moveaxis(x, axis, 0)),
    "tile": np.tile,
    "split": lambda x, sizes, axis: np.split(x, np.cumsum(sizes)[:-1], axis=axis),
    "pad": pad,
    "rev": lambda x, dimensions: np.flip(x, axis=dimensions),
    "select_n": select_n,
    "iota": iota,
}
"""Functions by the name of the JAX operation."""


def _quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    divisor = np.where(b == 0, np.ones_like(b), b)
    quotient = (a - np.fmod(a, divisor)) // divisor
    return np.where(b == 0, np.invert(np.zeros_like(quotient)), quotient)


INTEGERS: dict[str, Function] = {
    **{name: FLOATS[name] for name in ("add", "sub", "mul", "neg", "add_any", "max", "min", "abs")},
    **{name: FLOATS[name] for name in ("eq", "ne", "lt", "le", "gt", "ge", "rem")},
    **{"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.invert},
    **{"lt_to": np.less, "le_to": np.less_equal},
    "clamp": lambda low, x, high: np.minimum(np.maximum(x, low), high),
    "div": _quotient,
    "reduce_or": lambda x, axes, **_: np.any(x, axis=axes),
    "reduce_and": lambda x, axes, **_: np.all(x, axis=axes),
}
"""Functions of integers and booleans; JAX itself computes all other operations on them."""
