"""Computing in float32 or float64, the same on every device.

The rule: whoever computes enters `in_precision` first, and a function is traced anew for each
precision (JAX's own caches see to that, as long as it is not reused by hand). Functions may then
close over NumPy and JAX arrays of any dtype, and may be jitted already: in float32, what they hold
in float64 is rounded; in float64, it is not.

JAX alone does not keep that rule: it converts a NumPy array once, and goes on to use the copy,
float32 or float64, after the precision has changed. Programs that close over the array then fail to
compile ("Cannot lower jaxpr with verifier errors") or to run ("RuntimeProgramInputMismatch").
Importing this module makes JAX convert at each use.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jax

from mnist_jax.compat import convert_at_each_use

MATMUL_PRECISION = "highest"
"""Precision of products. By default, one of float32 has ten bits on a GPU and eight on a TPU."""


@contextmanager
def in_precision(precision: str) -> Iterator[None]:
    """Where numbers have a precision, and products their full one on every device.

    It holds for the thread that enters it, whatever JAX's own settings are. NaN and infinity are
    values there, as in `with_any_value`.

    Args:
        precision: "float32" or "float64".

    Example:
        >>> with in_precision("float64"):
        ...     jax.numpy.ones(1).dtype
        dtype('float64')
    """
    with (
        jax.enable_x64(precision == "float64"),
        jax.default_matmul_precision(MATMUL_PRECISION),
        with_any_value(),
    ):
        yield


@contextmanager
def with_any_value() -> Iterator[None]:
    """Where NaN and infinity are values: not measured, masked, diverged.

    ``JAX_DEBUG_NANS`` and ``JAX_DEBUG_INFS`` don't end what is computed there.
    """
    with jax.debug_nans(False), jax.debug_infs(False):
        yield


convert_at_each_use()
