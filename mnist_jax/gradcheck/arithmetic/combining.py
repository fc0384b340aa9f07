"""Operations that combine numbers along axes, for any arithmetic.

Products of arrays and convolutions use a function that multiplies matrices. Reductions use a ufunc.
Operations that depend on the order of numbers use keys that NumPy can compare.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from mnist_jax.gradcheck.arithmetic.structure import pad

Function = Callable[..., Any]


def arranged(multiply: Function, a: np.ndarray, b: np.ndarray, dimension_numbers: Any, **_: Any):
    """Compute a general product of arrays with a function that multiplies stacks of matrices."""
    (summed_a, summed_b), (batch_a, batch_b) = dimension_numbers
    free_a = [axis for axis in range(a.ndim) if axis not in (*summed_a, *batch_a)]
    free_b = [axis for axis in range(b.ndim) if axis not in (*summed_b, *batch_b)]

    def shape(x: np.ndarray, axes: Any) -> list[int]:
        return [x.shape[axis] for axis in axes]

    sizes = [int(np.prod(shape(a, axes), dtype=int)) for axes in (batch_a, free_a, summed_a)]
    left = a.transpose(*batch_a, *free_a, *summed_a).reshape(sizes)
    right = b.transpose(*batch_b, *summed_b, *free_b).reshape(
        sizes[0], sizes[2], int(np.prod(shape(b, free_b), dtype=int))
    )
    result = [*shape(a, batch_a), *shape(a, free_a), *shape(b, free_b)]
    return multiply(left, right).reshape(result)


def windows(x: np.ndarray, neutral: Any, **how: Any) -> np.ndarray:
    """Return the windows of an array, each along a last axis.

    The parameters are those of JAX's `reduce_window`; `neutral` is the value of the padding.
    """
    gaps = [dilation - 1 for dilation in how["base_dilation"]]
    config = [(*around, gap) for around, gap in zip(how["padding"], gaps, strict=True)]
    sizes = zip(how["window_dimensions"], how["window_dilation"], strict=True)
    spans = [(size - 1) * dilation + 1 for size, dilation in sizes]
    seen = np.lib.stride_tricks.sliding_window_view(
        pad(x, np.asarray(neutral, x.dtype), config), spans
    )
    steps = (*how["window_strides"], *how["window_dilation"])
    seen = seen[tuple(slice(None, None, step) for step in steps)]
    return seen.reshape(*seen.shape[: x.ndim], -1)


def convolution(multiply: Function, x: np.ndarray, kernel: np.ndarray, **how: Any) -> np.ndarray:
    """Compute a convolution as products of matrices of windows with the kernel."""
    numbers = how["dimension_numbers"]
    x = x.transpose(numbers.lhs_spec)  # (batch, features, *space)
    kernel = kernel.transpose(numbers.rhs_spec)  # (features out, features in, *space)
    seen = windows(
        x,
        0,
        window_dimensions=(1, 1, *kernel.shape[2:]),
        window_strides=(1, 1, *how["window_strides"]),
        padding=((0, 0), (0, 0), *how["padding"]),
        base_dilation=(1, 1, *how["lhs_dilation"]),
        window_dilation=(1, 1, *how["rhs_dilation"]),
    )  # (batch, features, *space, window)
    groups = how["feature_group_count"] * how["batch_group_count"]
    inputs = np.split(seen, groups, 1 if how["feature_group_count"] > 1 else 0)
    parts = []
    for part, weights in zip(inputs, np.split(kernel, groups, 0), strict=True):
        rows = np.moveaxis(part, 1, -2)  # (batch, *space, features in, window)
        left = rows.reshape(1, -1, rows.shape[-2] * rows.shape[-1])
        product = multiply(left, weights.reshape(1, len(weights), -1).transpose(0, 2, 1))
        parts.append(np.moveaxis(product.reshape(*rows.shape[:-2], len(weights)), -1, 1))
    return np.concatenate(parts, axis=1).transpose(np.argsort(numbers.out_spec))


def reduce(ufunc: Any, x: np.ndarray, axes: Any, **_: Any) -> Any:
    """Reduce over axes with a ufunc."""
    for axis in sorted(axes, reverse=True):
        x = np.asarray(ufunc.reduce(x, axis=axis))
    return x


def accumulate(ufunc: Any, x: np.ndarray, axis: int, reverse: bool = False) -> np.ndarray:
    """Compute a ufunc's running reduction along an axis."""
    if reverse:
        return np.flip(ufunc.accumulate(np.flip(x, axis), axis=axis), axis)
    return ufunc.accumulate(x, axis=axis)


def reduce_window(ufunc: Any, neutral: Any, x: np.ndarray, **parameters: Any) -> np.ndarray:
    """Reduce over windows with a ufunc."""
    return np.asarray(ufunc.reduce(windows(x, neutral, **parameters), axis=-1))


def reductions(ufuncs: Mapping[str, tuple[Any, Any]]) -> dict[str, Function]:
    """Make the table of reductions: over axes, running, and over windows.

    Args:
        ufuncs: Ufunc and neutral element of each reduction, by its JAX name: "sum", "prod", "max"
            or "min".

    Returns:
        Functions by the name of the JAX operation.
    """
    table: dict[str, Function] = {}
    for name, (ufunc, neutral) in ufuncs.items():
        table[f"reduce_{name}"] = partial(reduce, ufunc)
        table[f"cum{name}"] = partial(accumulate, ufunc)
        table[f"reduce_window_{name}"] = partial(reduce_window, ufunc, neutral)
    return table


def argbest(largest: bool, keys: Function, x: np.ndarray, axes: Any, index_dtype: Any):
    """Return the first position of the largest or smallest number along an axis."""
    best = np.argmax if largest else np.argmin
    return np.asarray(best(keys(x), axis=axes[0])).astype(index_dtype)


def sort(keys: Function, *operands: np.ndarray, dimension: int, num_keys: int, **_: Any):
    """Sort arrays in the order of the first of them."""
    order = None
    for operand in reversed(operands[:num_keys]):
        key = operand if order is None else np.take_along_axis(operand, order, dimension)
        finer = np.argsort(keys(key), axis=dimension, kind="stable")
        order = finer if order is None else np.take_along_axis(order, finer, dimension)
    assert order is not None
    return [np.take_along_axis(operand, order, dimension) for operand in operands]


def top_k(keys: Function, x: np.ndarray, k: int, axis: int = -1, **_: Any):
    """Return the largest numbers and their positions; of equal numbers, the first."""
    order = np.flip(np.argsort(keys(np.flip(x, axis)), axis=axis, kind="stable"), axis)
    order = np.take(x.shape[axis] - 1 - order, np.arange(k), axis=axis)
    return [np.take_along_axis(x, order, axis), order.astype(np.int32)]


def select_and_scatter_add(
    keys: Function, source: np.ndarray, x: np.ndarray, select_prim: Any, **parameters: Any
) -> np.ndarray:
    """Add numbers at the position of the largest or smallest entry of each window."""
    ones = [1] * x.ndim
    positions = np.arange(x.size).reshape(x.shape)
    seen = windows(positions, -1, base_dilation=ones, window_dilation=ones, **parameters)
    inside = np.where(seen < 0, seen.max(-1, keepdims=True), seen)
    best = np.argmax if select_prim.name == "ge" else np.argmin
    chosen = np.expand_dims(best(keys(x.ravel()[inside]), axis=-1), -1)
    where = np.take_along_axis(inside, chosen, -1)[..., 0]
    result = np.zeros(x.size, x.dtype)
    np.add.at(result, where.ravel(), source.ravel())
    return result.reshape(x.shape)


def ordering(keys: Function) -> dict[str, Function]:
    """Make the table of operations that depend on the order of numbers.

    Args:
        keys: Function from an array to an array whose entries NumPy can compare.

    Returns:
        Functions by the name of the JAX operation.
    """
    return {
        "argmax": partial(argbest, True, keys),
        "argmin": partial(argbest, False, keys),
        "sort": partial(sort, keys),
        "top_k": partial(top_k, keys),
        "select_and_scatter_add": partial(select_and_scatter_add, keys),
    }


def polynomial(x: np.ndarray, *coefficients: np.ndarray, **_: Any) -> np.ndarray:
    """A polynomial by Horner's rule, the constant term first; for any arithmetic."""
    *others, result = coefficients
    for coefficient in reversed(others):
        result = coefficient + x * result
    shapes = map(np.shape, (x, *coefficients))
    return np.broadcast_to(result, np.broadcast_shapes(*shapes))
