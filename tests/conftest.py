"""Fixtures that more than one test module needs."""

import hashlib

import hypothesis
import jax
import jaxtyping
import numpy as np
import pytest

# Before the library is imported: from here on, beartype checks the shapes in its types. Not where
# users' own values come in (data, training.settings): what is wrong with those has its own message.
CHECKED = ["features", "losses", "gradients", "gradcheck", "models", "sweeps"]
CHECKED += ["curvature", "derivation"]
CHECKED += [f"training.{name}" for name in ("history", "loop", "ordering", "step", "stopping")]
jaxtyping.install_import_hook([f"mnist_jax.{name}" for name in CHECKED], "beartype.beartype")

from mnist_jax.data import MNIST_FILES, DataError, IdxFile, Mnist, load  # noqa: E402
from mnist_jax.data.files import Contents, encode_idx  # noqa: E402

# no silent broadcasting or promotion, and no TF32 where a tolerance is derived from the dtype
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_default_matmul_precision", "highest")

# the same examples in every run, so that a failure is the code's and can be had again
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """Real MNIST, loaded as the product loads it."""
    try:
        return load()
    except DataError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def small_contents() -> Contents:
    """Stand-ins for the four files, with 6 training and 4 test images."""
    rng = np.random.default_rng(0)
    counts = (6, 6, 4, 4)
    shapes = [(n, *file.shape[1:]) for n, file in zip(counts, MNIST_FILES, strict=True)]
    return {
        file.name: encode_idx(rng.integers(0, 10, shape, np.uint8))
        for file, shape in zip(MNIST_FILES, shapes, strict=True)
    }


@pytest.fixture(scope="session")
def small_files(small_contents: Contents) -> tuple[IdxFile, ...]:
    """What the stand-ins must contain."""
    counts = (6, 6, 4, 4)
    return tuple(
        IdxFile(
            file.name,
            (n, *file.shape[1:]),
            hashlib.sha256(small_contents[file.name]).hexdigest(),
        )
        for n, file in zip(counts, MNIST_FILES, strict=True)
    )
