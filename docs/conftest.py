"""The examples of these pages run as their readers run them, with JAX's own promotion rules."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def own_promotion_rules() -> Iterator[None]:
    """Undoes, for one page, the stricter rules of the tests."""
    names = ("jax_numpy_dtype_promotion", "jax_numpy_rank_promotion")
    before = [getattr(jax.config, name) for name in names]
    for name, rule in zip(names, ("standard", "allow"), strict=True):
        jax.config.update(name, rule)
    yield
    for name, rule in zip(names, before, strict=True):
        jax.config.update(name, rule)
