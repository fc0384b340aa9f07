"""Losses with a special inside: complex, divided among devices, of a library, with counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import poisson
from jax.sharding import Mesh, PartitionSpec

from mnist_jax.gradcheck import check
from mnist_jax.gradcheck.arithmetic.sampling import samples, unrounded

pytestmark = pytest.mark.usefixtures("quick_compilation", "promotion")

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(16, 4)), RNG.normal(size=16), RNG.normal(size=4)
MESH = Mesh(np.array(jax.devices()[:1]), ("device",))


def spectrum(w):
    return jnp.mean((jnp.abs(jnp.fft.fft(w)) - jnp.arange(4)) ** 2)


def of_spectrum(w):
    z = np.fft.fft(np.asarray(w))
    residual = 2 * (np.abs(z) - np.arange(4)) / 4 * z / np.abs(z)
    return np.real(np.fft.fft(np.conj(residual)))


def sharded(w):
    def local(x, y, w):
        return jax.lax.psum(jnp.sum((x @ w - y) ** 2), "device")

    divided, whole = PartitionSpec("device"), PartitionSpec()
    summed = jax.shard_map(local, mesh=MESH, in_specs=(divided, divided, whole), out_specs=whole)
    return summed(jnp.asarray(X, w.dtype), jnp.asarray(Y, w.dtype), w) / 16


def of_squares(w):
    return 2 * X.T @ (X @ np.asarray(w) - Y) / 16


LOSSES = {
    "spectrum": (spectrum, of_spectrum),
    "convolution": (lambda w: jnp.sum(jnp.fft.irfft(jnp.fft.rfft(w) * jnp.arange(3)) ** 2), None),
    "phase": (lambda w: jnp.sum(jnp.real(jnp.exp(1j * w) * (w + 2j))), None),
    "eigenvalues": (lambda w: jnp.sum(jnp.abs(jnp.linalg.eigvals(X[:4] + jnp.diag(w)))), None),
    "shard_map": (sharded, of_squares),
    "pmap": (lambda w: jnp.mean((jax.pmap(lambda x: x @ w)(X[None])[0] - Y) ** 2), of_squares),
}


@pytest.mark.parametrize("name", LOSSES)
def test_right_and_wrong_are_told(name):
    loss, gradient = LOSSES[name]
    gradient = gradient or jax.grad(loss)
    assert check(loss, gradient, W).passes
    wrong = check(loss, lambda w: 2 * gradient(w), W, precisions=("float64",))
    assert not wrong.passes
    assert "2 times" in wrong.diagnosis[0]


COUNTS = RNG.poisson(2.0, 16)
LIBRARY = {
    "Poisson regression": lambda w: -jnp.sum(poisson.logpmf(COUNTS, jnp.exp(X @ w))),
    "another form where it is differentiated": lambda w: jnp.sum(jax.lax.cumlogsumexp(X @ w)),
    "whole exponents": lambda w: jnp.sum(jnp.vander(w, 3) ** 2),
    "singular values": lambda w: jnp.sum(jnp.linalg.svd(X[:4] + w, compute_uv=False) ** 3),
    "random numbers": lambda w: jnp.sum(jax.random.gumbel(jax.random.key(0), w.shape) * w**2),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_what_libraries_compute_gives_no_alarm(name):
    assert check(LIBRARY[name], jax.grad(LIBRARY[name]), W).passes


@pytest.mark.parametrize("name", ["convolution", "phase"])
def test_complex_numbers_are_evaluated_and_perturbed(name):
    loss, _ = LOSSES[name]
    with jax.enable_x64(True):
        traced, expected = jax.make_jaxpr(loss)(W), loss(W)
    np.testing.assert_allclose(unrounded(traced, [W])[0], expected, rtol=1e-12)
    (drawn,) = samples(traced, [W])
    assert 1e-18 < np.std(drawn) < 1e-14
