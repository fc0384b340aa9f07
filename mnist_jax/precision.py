"""Computing in float32 or float64, the same on every device."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax

MATMUL_PRECISION = "highest"
"""Of products. The default product of float32 has some ten bits on a GPU and eight on a TPU."""


@contextmanager
def in_precision(precision: str) -> Iterator[None]:
    """Where numbers have a precision, and products their full one on every device.

    It holds for the thread that enters it, whatever JAX's own settings are.

    Args:
        precision: "float32" or "float64".

    Example:
        >>> with in_precision("float64"):
        ...     jax.numpy.ones(1).dtype
        dtype('float64')
    """
    with jax.enable_x64(precision == "float64"), jax.default_matmul_precision(MATMUL_PRECISION):
        yield
