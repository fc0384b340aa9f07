"""Floors, the lower bounds of the time of a run: its matrix products alone, and the machine.

A run consists almost entirely of matrix products. The floor of its own products is the sum of the
time of each product alone times the number of its repetitions. The floor of the machine assumes the
rate of a large square product for all products, which no product with ten columns reaches, or the
time to read their operands once, whichever is longer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from experiments.benchmarks.timing import interleaved
from experiments.benchmarks.work import Work
from mnist_jax.training import Schedule
from mnist_jax.training.plan import make_plan
from mnist_jax.training.tuning import tuning

CLASSES = 10
SQUARE = 2048
READ = 2**27  # 512 MB of float32, more than any cache
ROUNDS = 7
LAUNCHES = 20


class Product(NamedTuple):
    """A matrix product of a run: (rows, inner) times (inner, columns)."""

    name: str  # purpose of the product
    rows: int  # number of examples or classes
    inner: int  # length of the summed axis
    columns: int  # number of classes of all runs, or of inputs
    repeats: float  # number of repetitions in all runs
    # number of products in one timed program, which hides the time to launch it; at least LAUNCHES
    # on an accelerator, where a launch takes longer
    at_once: int = 1

    @property
    def flops(self) -> float:
        """Number of floating-point operations of all repetitions."""
        return 2.0 * self.rows * self.inner * self.columns * self.repeats

    @property
    def bytes(self) -> float:
        """Number of bytes that all repetitions read and write, in float32."""
        r, i, c = self.rows, self.inner, self.columns
        return 4.0 * (r * i + i * c + r * c) * self.repeats


def products(work: Work, runs: int = 1) -> list[Product]:
    """Returns the products of runs that share their batches."""
    inputs = work.split.train.images.shape[1] + 1
    train, validation = (len(part.labels) for part in work.split)
    columns = CLASSES * runs
    schedule = Schedule(work.steps_per_epoch, work.evaluate_every)
    tuned = tuning()
    wide = make_plan(schedule, work.epochs, runs, tuned).periods_at_once
    tiles = -(-train // tuned.rows(runs * wide))
    evaluations = work.evaluations / wide * tiles
    return [
        Product("logits of a batch", columns, inputs, work.batch_size, work.steps, 50),
        Product("gradient", columns, work.batch_size, inputs, work.steps, 50),
        Product("validation", columns, inputs, validation, work.evaluations),
        Product("training accuracy", columns * wide, inputs, train // tiles, evaluations),
    ]


def measure(work: Work, runs: int = 1) -> dict[str, Any]:
    """Measures the floors of runs that share their batches, in seconds for all runs together."""
    launches = 1 if jax.default_backend() == "cpu" else LAUNCHES
    timed_products = [p._replace(at_once=max(p.at_once, launches)) for p in products(work, runs)]
    square = Product("square", SQUARE, SQUARE, SQUARE, 1, launches)
    programs = {product.name: program(product) for product in [*timed_products, square]}
    times = interleaved(programs | {"read": _read()}, ROUNDS)
    rate = square.flops * square.at_once / min(times["square"].rest)
    bandwidth = 4.0 * READ / min(times["read"].rest)
    flops = sum(p.flops for p in timed_products)
    read = sum(p.bytes for p in timed_products)
    by_name = {
        p.name: {
            **p._asdict(),
            "seconds": min(times[p.name].rest) / p.at_once * p.repeats,
            "gflops_per_s": p.flops / p.repeats * p.at_once / min(times[p.name].rest) / 1e9,
        }
        for p in timed_products
    }
    return {
        "runs": runs,
        "gflop": flops / 1e9,
        "square_gflops_per_s": rate / 1e9,
        "read_gb_per_s": bandwidth / 1e9,
        "products": by_name,
        "own_products_s": sum(product["seconds"] for product in by_name.values()),
        "machine_s": max(flops / rate, read / bandwidth),
    }


def program(product: Product) -> Callable[[], Any]:
    """Compiles a program of one product, or of several products in sequence."""
    rng = np.random.default_rng(0)
    left = jnp.asarray(rng.normal(size=(product.rows, product.inner)), jnp.float32)
    right = jnp.asarray(rng.normal(size=(product.inner, product.columns)), jnp.float32)

    def chain(left: Array, right: Array) -> Array:
        def step(left: Array, _: None) -> tuple[Array, None]:
            # each product depends on the one before, so that the compiler keeps all of them
            return left + 1e-30 * (left @ right)[:1, :1], None

        return jax.lax.scan(step, left, None, product.at_once)[0]

    compiled = jax.jit(chain if product.at_once > 1 else jnp.matmul)
    return lambda: jax.block_until_ready(compiled(left, right))


def _read() -> Callable[[], Any]:
    numbers, total = jnp.ones(READ, jnp.float32), jax.jit(jnp.sum)
    return lambda: jax.block_until_ready(total(numbers))
