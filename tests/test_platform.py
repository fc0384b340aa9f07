"""Whether the installed JAX computes what it says, on this machine.

Run it by itself after an upgrade of jax or jaxlib: `pytest -n 0 tests/test_platform.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

# jax 0.10.2 is wrong on CPUs from 16,385 rows on in float64, from 32,769 on in float32
ROWS = [3, 1000, 16_385, 32_769, 100_001]


def squared_norms(matrix, vectors):
    """The squared norm of a matrix times each vector (https://github.com/jax-ml/jax/issues/39103)."""
    return jax.vmap(lambda vector: jnp.sum((matrix @ vector) ** 2))(vectors)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", ROWS)
def test_compiled_norms_of_products_are_right(rows, dtype):
    vectors = np.random.default_rng(0).normal(size=(rows, 3)).astype(dtype)
    matrix = np.array([[1, 2, 0], [0, 1, 0], [3, 0, 1]], dtype)
    exact = np.sum((vectors.astype(np.float64) @ matrix.T) ** 2, axis=1)
    with jax.enable_x64(dtype == "float64"):
        compiled = np.asarray(jax.jit(squared_norms)(matrix, vectors))
        eager = np.asarray(squared_norms(jnp.asarray(matrix), jnp.asarray(vectors)))
    for result in (compiled, eager):
        # the terms of a product may cancel, but each is below 9 |v|^2
        bound = 100 * np.finfo(dtype).eps * np.sum(vectors.astype(np.float64) ** 2, axis=1)
        assert np.all(np.abs(result - exact) <= bound), (
            f"jax {jax.__version__} computes wrong sums of products on this machine: "
            f"{np.count_nonzero(np.abs(result - exact) > bound)} of {rows} are wrong; see the issue"
        )
