"""Accuracy on the training set, counted by a second thread concurrently with the training.

The count takes most of the operations of a run, and no step depends on it. The products of a single
run's steps are too small to occupy two cores. Therefore the weights of several evaluations are
collected and evaluated in one wide product during the next steps, which takes three quarters of the
time of a count between the steps (two cores).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32, Real

from mnist_jax.features import make_inputs
from mnist_jax.models import Model, Weights
from mnist_jax.precision import in_precision
from mnist_jax.training.step import count_correct
from mnist_jax.training.tuning import CPU


@contextmanager
def second_thread() -> Iterator[Executor]:
    """Yields an executor with one thread; cancels pending tasks on exit."""
    executor = ThreadPoolExecutor(max_workers=1)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def count_train_correct(
    model: Model,
    weights: Weights,
    images: Real[Array, "N features"],
    labels: Int32[Array, " N"],
    inputs: Callable[..., Array] = make_inputs,
    tile: int = CPU.tile,
) -> Int32[np.ndarray, "periods orders runs"]:
    """Counts the training examples that the weights predict correctly; callable in any thread."""
    with in_precision(jax.tree.leaves(weights)[0].dtype.name):
        counts = count_tiles(model, weights, images, labels, inputs=inputs, tile=tile)
        return jax.device_get(counts)


@partial(jax.jit, static_argnums=0, static_argnames=("inputs", "tile"))
def count_tiles(
    model: Model,
    weights: Weights,
    images: Real[Array, "N features"],
    labels: Int32[Array, " N"],
    inputs: Callable[..., Array] = make_inputs,
    tile: int = CPU.tile,
) -> Int32[Array, "periods orders runs"]:
    """Counts as `count_train_correct` does, on the device; pure and compiled."""
    dtype = jax.tree.leaves(weights)[0].dtype
    count = partial(count_correct, model)
    for _ in range(3):
        count = jax.vmap(count, (0, None, None))

    def count_tile(tile: tuple[Array, Array]) -> Array:
        tile_images, tile_labels = tile
        return count(weights, inputs(tile_images, dtype), tile_labels)

    tiles = cut_tiles(images, tile), cut_tiles(labels, tile, fill=-1)
    return jnp.sum(jax.lax.map(count_tile, tiles), axis=0)


def cut_tiles(rows: Array, size: int, fill: int = 0) -> Array:
    """Divides rows into the fewest tiles of equal size, stacked along a new first axis."""
    tiles = -(-len(rows) // size)
    length = -(-len(rows) // tiles)
    padding = [(0, tiles * length - len(rows))] + [(0, 0)] * (rows.ndim - 1)
    return jnp.pad(rows, padding, constant_values=fill).reshape(tiles, length, *rows.shape[1:])
