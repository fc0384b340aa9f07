"""What JAX's functions lower to, evaluated in balls and compared with JAX's own float64."""

import time

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import pytest
from formulas import traced
from sampling import sampled

from mnist_jax.gradcheck.arithmetic.balls import Balls, precision
from mnist_jax.gradcheck.arithmetic.interpreter import Unsupported, evaluate
from mnist_jax.gradcheck.arithmetic.sampling import unrounded

RNG = np.random.default_rng(0)
POSITIVE = RNG.uniform(0.2, 0.9, (3, 4))
SIGNED = RNG.normal(size=(3, 4))
SQUARE = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
SYMMETRIC = SQUARE @ SQUARE.T

ELEMENTWISE = [
    *(jnp.sin, jnp.cos, jnp.tan, jnp.arcsin, jnp.arccos, jnp.arctan, jnp.sinh, jnp.cosh, jnp.tanh),
    *(jnp.arcsinh, jnp.arctanh, jnp.exp, jnp.exp2, jnp.expm1, jnp.log, jnp.log1p, jnp.log2),
    *(jnp.log10, jnp.sqrt, jnp.cbrt, jnp.square, jnp.abs, jnp.sign, jnp.reciprocal, jnp.sinc),
    *(jnp.floor, jnp.ceil, jnp.round, jnp.rint, jnp.trunc, jnp.positive, jnp.negative, jnp.i0),
    *(jnp.deg2rad, jnp.nan_to_num, jnp.signbit, jnp.isfinite, jnp.isnan, jnp.real, jnp.conj),
    *(jax.nn.relu, jax.nn.relu6, jax.nn.sigmoid, jax.nn.softplus, jax.nn.silu, jax.nn.swish),
    *(jax.nn.log_sigmoid, jax.nn.leaky_relu, jax.nn.hard_sigmoid, jax.nn.hard_tanh, jax.nn.elu),
    *(jax.nn.celu, jax.nn.selu, jax.nn.gelu, jax.nn.mish, jax.nn.soft_sign, jax.nn.softmax),
    *(jax.nn.log_softmax, jax.nn.logsumexp, jax.nn.standardize, jax.nn.hard_swish, jax.nn.glu),
    *(jax.nn.squareplus, jax.nn.sparse_plus, jax.nn.sparse_sigmoid, jax.nn.identity),
    *(jsp.special.erf, jsp.special.erfc, jsp.special.erfinv, jsp.special.gammaln),
    *(jsp.special.digamma, jsp.special.gamma, jsp.special.factorial, jsp.special.expit),
    *(jsp.special.logit, jsp.special.entr, jsp.special.ndtr, jsp.special.ndtri),
    *(jsp.special.log_ndtr, jsp.special.i0, jsp.special.i0e, jsp.special.i1, jsp.special.i1e),
    *(jsp.special.logsumexp, jsp.special.softmax, jsp.special.log_softmax, jsp.special.spence),
    *(jsp.stats.norm.logpdf, jsp.stats.norm.logcdf, jsp.stats.norm.cdf, jsp.stats.norm.ppf),
    *(jsp.stats.logistic.logpdf, jsp.stats.cauchy.logpdf, jsp.stats.expon.logpdf),
    *(jsp.stats.laplace.logpdf,),
]
BINARY = [
    *(jnp.add, jnp.subtract, jnp.multiply, jnp.divide, jnp.power, jnp.arctan2, jnp.hypot),
    *(jnp.logaddexp, jnp.logaddexp2, jnp.maximum, jnp.minimum, jnp.fmod, jnp.remainder),
    *(jnp.float_power, jnp.heaviside, jnp.copysign, jnp.floor_divide, jnp.outer, jnp.kron),
    *(jnp.vdot, jnp.inner, jnp.equal, jnp.greater, jnp.less_equal),
    *(jsp.special.xlogy, jsp.special.xlog1py, jsp.special.kl_div, jsp.special.rel_entr),
    *(jsp.special.betaln,),
    *(jsp.stats.poisson.logpmf, jsp.stats.gamma.logpdf, jsp.stats.t.logpdf),
]
KERNEL = RNG.normal(size=(2, 1, 3, 3))
IMAGE = RNG.normal(size=(2, 1, 6, 6))


def of_two(function):
    return lambda x: function(x, POSITIVE[::-1] + 0.05)


def pooled(init, operation, **options):
    window = ((1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return lambda x: jax.lax.reduce_window(x, init, operation, *window, **options)


def convolved(**options):
    return lambda x, k: jax.lax.conv_general_dilated(x, k, **options)


OTHERS = {
    "sum": (lambda x: jnp.sum(x, axis=(0,)), SIGNED),
    "mean": (lambda x: jnp.mean(x, axis=1), SIGNED),
    "var": (jnp.var, SIGNED),
    "std": (lambda x: jnp.std(x, axis=0, ddof=1), SIGNED),
    "prod": (lambda x: jnp.prod(x, axis=1), SIGNED),
    "max": (lambda x: jnp.max(x, axis=1), SIGNED),
    "min": (jnp.min, SIGNED),
    "argmax": (lambda x: jnp.argmax(x, axis=1), SIGNED),
    "argmin": (jnp.argmin, SIGNED),
    "median": (lambda x: jnp.median(x, axis=1), SIGNED),
    "quantile": (lambda x: jnp.quantile(x, 0.3), SIGNED),
    "norm": (jnp.linalg.norm, SIGNED),
    "norm, 1": (lambda x: jnp.linalg.norm(x, 1), SIGNED),
    "cumsum": (lambda x: jnp.cumsum(x, axis=1), SIGNED),
    "cumprod": (lambda x: jnp.cumprod(x, axis=0), SIGNED),
    "cummax": (lambda x: jax.lax.cummax(x, axis=1, reverse=True), SIGNED),
    "cumlogsumexp": (lambda x: jax.lax.cumlogsumexp(x, axis=1), SIGNED),
    "diff": (jnp.diff, SIGNED),
    "sort": (lambda x: jnp.sort(x, axis=1), SIGNED),
    "argsort": (lambda x: jnp.argsort(x, axis=0), SIGNED),
    "top_k": (lambda x: jax.lax.top_k(x, 2), SIGNED),
    "take": (lambda x: jnp.take(x, jnp.array([2, 0, 7]), axis=1), SIGNED),
    "take_along_axis": (lambda x: jnp.take_along_axis(x, jnp.array([[1], [3], [0]]), 1), SIGNED),
    "index": (lambda x: x[jnp.arange(3), jnp.array([1, 1, 3])], SIGNED),
    "slice": (lambda x: x[::-2, 1:3], SIGNED),
    "dynamic slice": (lambda x: jax.lax.dynamic_slice(x, (5, 1), (2, 2)), SIGNED),
    "set": (lambda x: x.at[1, jnp.array([0, 2])].set(7.5), SIGNED),
    "add at": (lambda x: x.at[jnp.array([1, 1])].add(x[:2]), SIGNED),
    "multiply at": (lambda x: x.at[:, 1].multiply(2.5), SIGNED),
    "segment_sum": (lambda x: jax.ops.segment_sum(x, jnp.array([1, 0, 1]), 2), SIGNED),
    "one_hot": (lambda x: x * jax.nn.one_hot(jnp.array([1, 3, 0]), 4), SIGNED),
    "pad": (lambda x: jax.lax.pad(x, 1.5, ((1, -1, 1), (-1, 2, 0))), SIGNED),
    "roll": (lambda x: jnp.roll(x, 2, axis=1), SIGNED),
    "tile": (lambda x: jnp.tile(x, (2, 1)), SIGNED),
    "stack": (lambda x: jnp.stack([x, 2 * x], axis=1), SIGNED),
    "split": (lambda x: jnp.split(x, 2, axis=1), SIGNED),
    "where": (lambda x: jnp.where(x > 0, x, -3.5), SIGNED),
    "clip": (lambda x: jnp.clip(x, -0.5, 0.5), SIGNED),
    "tril": (jnp.tril, SIGNED),
    "trace": (jnp.trace, SQUARE),
    "einsum": (lambda x: jnp.einsum("ij,kj,il->kl", x, x, x), SIGNED),
    "matmul": (lambda x: jnp.stack([x, x]) @ x.T, SIGNED),
    "convolve": (lambda x: jnp.convolve(x, x[:2]), SIGNED[0]),
    "interp": (lambda x: jnp.interp(x, jnp.arange(-4.0, 5.0), jnp.arange(9.0) ** 2), SIGNED),
    "polyval": (lambda x: jnp.polyval(x, 0.7), SIGNED[0]),
    "searchsorted": (lambda x: jnp.searchsorted(jnp.sort(x), 0.1), SIGNED[0]),
    "polygamma": (lambda x: jsp.special.polygamma(2, x), POSITIVE),
    "gammainc": (lambda x: jsp.special.gammainc(2.5, x), POSITIVE),
    "gammaincc": (lambda x: jsp.special.gammaincc(2.5, x), POSITIVE),
    "betainc": (lambda x: jsp.special.betainc(2.5, 1.5, x), POSITIVE),
    "multigammaln": (lambda x: jsp.special.multigammaln(x + 3, 2), POSITIVE),
    "solve": (lambda a: jnp.linalg.solve(a, a[0]), SQUARE),
    "inv": (jnp.linalg.inv, SQUARE),
    "det": (jnp.linalg.det, SQUARE),
    "slogdet": (lambda a: jnp.linalg.slogdet(a)[1], np.stack([SQUARE, SQUARE.T])),
    "cholesky": (lambda a: jnp.linalg.cholesky(a @ a.T), SQUARE),
    "cho_solve": (lambda a: jsp.linalg.cho_solve(jsp.linalg.cho_factor(a @ a.T), a[1]), SQUARE),
    "solve_triangular": (lambda a: jsp.linalg.solve_triangular(a, a[2], trans=1), SQUARE),
    "lower triangular": (lambda a: jsp.linalg.solve_triangular(a, a, lower=True), SQUARE),
    "symmetric solve": (lambda a: jsp.linalg.solve(a @ a.T, a[0], assume_a="pos"), SQUARE),
    "matrix_power": (lambda a: jnp.linalg.matrix_power(a, 3), SQUARE),
    "expm": (lambda a: jsp.linalg.expm(a / 8), SQUARE),
    "multivariate normal": (
        lambda a: jsp.stats.multivariate_normal.logpdf(a[0], a[1], a @ a.T),
        SQUARE,
    ),
    "maximal pooling": (pooled(-jnp.inf, jax.lax.max), IMAGE),
    "sums over windows": (pooled(0.0, jax.lax.add, window_dilation=(1, 1, 2, 1)), IMAGE),
    "convolution": (lambda x: convolved(window_strides=(2, 1), padding="SAME")(x, KERNEL), IMAGE),
    "dilated convolution": (
        lambda k: convolved(
            window_strides=(1, 2),
            padding=((2, 1), (0, 3)),
            lhs_dilation=(2, 1),
            rhs_dilation=(1, 2),
        )(IMAGE, k),
        KERNEL,
    ),
    "convolution in groups": (
        lambda x: convolved(window_strides=(1, 1), padding="SAME", feature_group_count=2)(
            jnp.concatenate([x, x * x], 1), KERNEL
        ),
        IMAGE,
    ),
    "convolution with the features last": (
        lambda x: convolved(
            window_strides=(1, 1), padding="VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )(x.transpose(0, 2, 3, 1), KERNEL.transpose(2, 3, 1, 0)),
        IMAGE,
    ),
    "scan": (
        lambda x: jax.lax.scan(lambda c, r: (jnp.sin(c * r), c), x[0], x, reverse=True),
        SIGNED,
    ),
    "an empty scan": (lambda x: jax.lax.scan(lambda c, r: (c + r, c), x[0], x[:0])[0], SIGNED),
    "map": (lambda x: jax.lax.map(jnp.sin, x), SIGNED),
    "fori_loop": (lambda x: jax.lax.fori_loop(0, 3, lambda i, v: jnp.sin(v) + i, x), SIGNED),
    "cond": (lambda x: jax.lax.cond(x[0, 0] > 0, jnp.sin, jnp.cos, x), SIGNED),
    "switch": (lambda x: jax.lax.switch(2, [jnp.sin, jnp.cos, jnp.tan], x), SIGNED),
    "checkpoint": (jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))), SIGNED),
    "jit": (jax.jit(lambda x: jnp.sin(x) * 2), SIGNED),
    "vmap": (jax.vmap(lambda r: jax.nn.softmax(r) @ r), SIGNED),
    "hessian": (jax.hessian(lambda x: jnp.sum(jnp.exp(x @ x.T))), SIGNED[:2, :2]),
    "associative_scan": (lambda x: jax.lax.associative_scan(jnp.add, x), SIGNED),
    "stop_gradient": (lambda x: x * jax.lax.stop_gradient(x), SIGNED),
    "dropout": (
        lambda x: jnp.where(jax.random.bernoulli(jax.random.key(0), 0.5, x.shape), x, 0),
        SIGNED,
    ),
    "noise": (lambda x: x * jax.random.uniform(jax.random.PRNGKey(1), x.shape), SIGNED),
    "normal noise": (lambda x: x * jax.random.normal(jax.random.key(1), x.shape), SIGNED),
    "float32": (
        lambda x: jax.lax.stop_gradient(x).astype("float32").astype("float64") * x,
        np.round(8 * SIGNED) / 8,
    ),
    "integers": (lambda x: (7 - jnp.arange(4)) // 2 % 3 * x, SIGNED),
    "a message": (lambda x: (jax.debug.callback(lambda: None), 2 * x)[1], SIGNED),
}
CASES = {
    **{f"{f.__module__}.{f.__name__}".split("_src.")[-1]: (f, POSITIVE) for f in ELEMENTWISE},
    **{f"{getattr(f, '__name__', f)} of two": (of_two(f), POSITIVE) for f in BINARY},
    **OTHERS,
}


@pytest.fixture(autouse=True)
def as_people_write():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def in_balls(traced, *arguments):
    with precision(200):
        balls = Balls(deadline=time.thread_time() + 10)
        results = evaluate(traced, [balls.data(x) for x in arguments], balls)
    return [np.asarray(np.frompyfunc(float, 1, 1)(r), np.float64) for r in results]


def differentiable(function, x):
    with jax.enable_x64(True):
        shapes = jax.tree.leaves(jax.eval_shape(function, x))
    return all(jnp.issubdtype(shape.dtype, jnp.floating) for shape in shapes)


def gradient(function):
    """Of a sum with weights that have nothing special."""

    def total(x):
        leaves = jax.tree.leaves(function(x))
        return sum(jnp.sum(jnp.sin(1.0 + jnp.arange(leaf.size)) * leaf.ravel()) for leaf in leaves)

    return jax.grad(total)


# jax 0.12 computes them in pairs of floats: without any rounding they are 3e-10 off
PAIRS = {"scipy.special.ndtri", "scipy.stats.norm.ppf"}


@pytest.mark.parametrize("name", sampled(CASES, every=6))
def test_functions_and_their_gradients_are_evaluated(name):
    function, x = CASES[name]
    rtol = 1e-9 if name in PAIRS else 1e-10
    functions = [function]
    if differentiable(function, x):
        functions.append(gradient(function))
    for evaluated in functions:
        with jax.enable_x64(True):
            expected = jax.tree.leaves(jax.jit(evaluated)(x))
        jaxpr = traced(evaluated, x)
        for ours, theirs in zip(in_balls(jaxpr, x), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)
        for ours, theirs in zip(unrounded(jaxpr, [x]), expected, strict=True):
            np.testing.assert_allclose(
                ours, theirs, rtol=1e-5 if name == "float32" else 1e-9, atol=1e-11
            )


def test_what_has_no_arithmetic_is_named():
    with pytest.raises(Unsupported, match="eigh has no ball arithmetic"):
        in_balls(traced(jnp.linalg.eigvalsh, SYMMETRIC), SYMMETRIC)
