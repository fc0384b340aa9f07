"""Random rounding: as wide as float32's own errors, and nothing where nothing is rounded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from formulas import traced

from mnist_jax.gradcheck.arithmetic.sampling import samples, unrounded
from mnist_jax.gradcheck.noise import standard_deviation
from mnist_jax.gradcheck.tuning import TOLERANCE

UNIT = 2.0**-24


def spread(function, *arguments, precision="float32"):
    arrays = [np.asarray(argument, precision) for argument in arguments]
    with jax.enable_x64(precision == "float64"):
        closed = jax.make_jaxpr(function)(*arrays)
    (results,) = samples(closed, arrays)
    return standard_deviation(results)


def loop(x):
    return jax.lax.scan(lambda carry, y: (jnp.sin(carry + y), carry), 0 * x[0], x)[0]


COMPUTATIONS = {
    "a product": (lambda a, b: a @ b, [(40, 785), (785, 30)]),
    "a sum": (lambda a: jnp.sum(a, axis=1), [(40, 3000)]),
    "a sum of positive terms": (lambda a: jnp.sum(a**2, axis=0), [(3000, 40)]),
    "a cumulative sum": (lambda a: jnp.cumsum(a, axis=0), [(500, 4)]),
    "a softmax": (lambda a: jax.nn.softmax(30 * a), [(50, 10)]),
    "a cancellation": (lambda a, b: (a + 1000 * b) - 1000 * b, [(200,), (200,)]),
    "a loop": (loop, [(100, 20)]),
    "a long loop": (loop, [(3000, 20)]),
    "a convolution": (
        lambda a, b: jax.lax.conv_general_dilated(a, b, (1, 1), "SAME"),
        [(1, 3, 8, 8), (4, 3, 3, 3)],
    ),
    "a compiled function inside": (jax.jit(lambda a: jnp.exp(a) / (1 + jnp.exp(a))), [(50,)]),
    "a system of equations": (jnp.linalg.solve, [(20, 20), (20,)]),
    "a determinant": (lambda a: jnp.linalg.slogdet(a)[1], [(6, 20, 20)]),
}


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_the_spread_is_that_of_float32(name):
    """The errors of float32 itself are within a few of the sampled standard deviations."""
    function, shapes = COMPUTATIONS[name]
    rng = np.random.default_rng(0)
    singles = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    with jax.enable_x64(True):
        exact = np.asarray(function(*(jnp.asarray(x, "float64") for x in singles)))
    computed = np.asarray(jax.jit(function)(*singles), np.float64)
    error = np.abs(computed - exact)
    deviations = spread(function, *singles)
    assert np.max(error / deviations) < TOLERANCE / 2
    assert np.sqrt(np.mean((error / deviations) ** 2)) > 0.02  # and not far too wide


def test_what_is_exact_has_no_spread():
    def rearranged(a):
        return jnp.concatenate([-a.T[::-1], jnp.abs(a), jnp.maximum(a, 0)])

    numbers = np.random.default_rng(0).normal(size=(3, 3))
    assert not np.any(spread(rearranged, numbers))
    assert not np.any(spread(lambda a: jax.lax.cummax(jnp.sort(a)[jnp.array([2, 0])]), numbers))
    pooled = lambda a: jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (2, 2), (1, 1), "SAME")
    assert not np.any(spread(pooled, numbers))


def test_structural_zeros_stay_zero():
    assert not np.any(spread(lambda a: jnp.where(a * 0 > 0, 1e9, a * 0), np.ones(5)))


def test_numbers_that_float32_loses_have_a_spread():
    deviation = spread(lambda a: a * a, np.full(3, 1e-22))
    assert np.all(deviation > 1e-39)


def test_a_mask_of_infinities_stays_one():
    mask = np.array([0.0, 1.0, 0.0])
    masked = lambda a: jax.nn.softmax(jnp.where(mask > 0, -jnp.inf, a))
    deviation = spread(masked, np.array([0.3, 0.1, 0.2]))
    assert deviation[1] == 0
    assert np.all((deviation[[0, 2]] > 1e-9) & (deviation[[0, 2]] < 1e-6))


def test_what_is_float32_in_a_float64_computation_rounds_like_float32():
    single = lambda a: jnp.exp(a.astype("float32")).astype("float64")
    assert 1e-9 < float(spread(single, 1.0, precision="float64")) < 1e-6
    assert float(spread(jnp.exp, 1.0, precision="float64")) < 1e-14


def test_the_condition_of_a_matrix_is_seen():
    nearly_singular = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-4]])
    right = np.array([1.0, 2.0])
    relative = spread(jnp.linalg.solve, nearly_singular, right) / 1e4
    assert np.all(relative > 1e2 * UNIT)


def test_special_functions_have_an_error_at_their_roots():
    assert 1e-9 < float(spread(jax.lax.lgamma, 2.0)) < 1e-6


def test_a_singular_matrix_has_no_finite_solution():
    zero, right = np.zeros((3, 3)), np.ones((3, 1))
    closed = traced(jnp.linalg.solve, zero, right)
    with np.errstate(all="ignore"):
        assert not np.isfinite(unrounded(closed, [zero, right])[0]).any()


@pytest.mark.parametrize(
    ("dtype", "divisor"), [("int32", 2), ("int32", -2), ("int32", 0), ("uint32", 3), ("uint32", 0)]
)
def test_integers_are_divided_as_jax_divides_them(dtype, divisor):
    numbers = np.arange(-7, 8).astype(dtype)
    closed = traced(lambda x: jax.lax.div(x, jnp.full_like(x, divisor)), numbers)
    expected = jax.lax.div(jnp.asarray(numbers), jnp.full_like(numbers, divisor))
    np.testing.assert_array_equal(unrounded(closed, [numbers])[0], expected)


@pytest.mark.parametrize("name", ["gammaln", "digamma", "erfinv", "i0e"])
def test_special_functions_are_as_inaccurate_as_xla_computes_them(name):
    x = np.random.default_rng(0).uniform(0.05, 0.99 if name == "erfinv" else 20, 2000)
    x = x.astype("float32")
    function = getattr(jax.scipy.special, name)
    error = np.abs(function(x) - getattr(scipy.special, name)(x.astype("float64")))
    assert np.all(error <= TOLERANCE * spread(function, x))
