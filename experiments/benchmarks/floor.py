"""What a run can't be faster than: its products alone, and what the machine can do at best.

A run is little else than matrix products. The floor of its own products is the time of each of them
alone, in its own shape, times how often it is done. The machine's floor takes the rate of a large
square product for all of them, which no product with ten columns reaches, or the time to read what
they read once, if that is longer.
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
READ = 2**27  # 512 MB of float32, more than any cache holds
ROUNDS = 7
LAUNCHES = 20


class Product(NamedTuple):
    """A matrix product of a run: (rows, inner) times (inner, columns).

    Attributes:
        name: What it is for.
        rows: Examples, or classes.
        inner: What is summed over.
        columns: Classes of all runs, or inputs.
        repeats: How often it is done in all.
        at_once: How many follow each other in what is timed, so that starting them does not count.
            An accelerator takes longer to be asked than a CPU, so there it is at least LAUNCHES.
    """

    name: str
    rows: int
    inner: int
    columns: int
    repeats: float
    at_once: int = 1

    @property
    def flops(self) -> float:
        """Floating-point operations of all repetitions."""
        return 2.0 * self.rows * self.inner * self.columns * self.repeats

    @property
    def bytes(self) -> float:
        """That all of them read and write once each, in float32."""
        r, i, c = self.rows, self.inner, self.columns
        return 4.0 * (r * i + i * c + r * c) * self.repeats


def products(work: Work, runs: int = 1) -> list[Product]:
    """The products of some runs that share their batches."""
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
    """The floors of some runs on this machine.

    Args:
        work: Work of each run.
        runs: How many at once.

    Returns:
        Seconds for all runs, and what they follow from.
    """
    least = 1 if jax.default_backend() == "cpu" else LAUNCHES
    listed = [p._replace(at_once=max(p.at_once, least)) for p in products(work, runs)]
    square = Product("square", SQUARE, SQUARE, SQUARE, 1, least)
    programs = {product.name: timed(product) for product in [*listed, square]}
    times = interleaved(programs | {"read": _read()}, ROUNDS)
    rate = square.flops * square.at_once / min(times["square"].rest)
    bandwidth = 4.0 * READ / min(times["read"].rest)
    flops, read = sum(p.flops for p in listed), sum(p.bytes for p in listed)
    each = {
        p.name: {
            **p._asdict(),
            "seconds": min(times[p.name].rest) / p.at_once * p.repeats,
            "gflops_per_s": p.flops / p.repeats * p.at_once / min(times[p.name].rest) / 1e9,
        }
        for p in listed
    }
    return {
        "runs": runs,
        "gflop": flops / 1e9,
        "square_gflops_per_s": rate / 1e9,
        "read_gb_per_s": bandwidth / 1e9,
        "products": each,
        "own_products_s": sum(product["seconds"] for product in each.values()),
        "machine_s": max(flops / rate, read / bandwidth),
    }


def timed(product: Product) -> Callable[[], Any]:
    """A compiled program of one product, or of several in a row."""
    rng = np.random.default_rng(0)
    left = jnp.asarray(rng.normal(size=(product.rows, product.inner)), jnp.float32)
    right = jnp.asarray(rng.normal(size=(product.inner, product.columns)), jnp.float32)

    def chain(left: Array, right: Array) -> Array:
        def once(left: Array, _: None) -> tuple[Array, None]:
            # the next one needs a number of this one, so that none is left out
            return left + 1e-30 * (left @ right)[:1, :1], None

        return jax.lax.scan(once, left, None, product.at_once)[0]

    compiled = jax.jit(chain if product.at_once > 1 else jnp.matmul)
    return lambda: jax.block_until_ready(compiled(left, right))


def _read() -> Callable[[], Any]:
    numbers, total = jnp.ones(READ, jnp.float32), jax.jit(jnp.sum)
    return lambda: jax.block_until_ready(total(numbers))
