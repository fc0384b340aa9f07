"""Gradients of Gaussian processes and kernels in scikit-learn, and of Cox models in lifelines."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportReturnType=false
# (these packages come with the controls extra; scikit-learn's types are guessed from its defaults)

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    WEIGHTS,
    after,
    coordinate,
    half,
    instead,
    sign,
    twice,
    zeroed,
)

BY_PARAMETER = r"logarithm|chain|divided by|exp"


def marginal_likelihood() -> Case:
    """The log marginal likelihood of a Gaussian process, by the logarithms of its parameters."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    rng = np.random.default_rng(41)
    inputs, y = rng.uniform(-2, 2, (12, 2)), rng.normal(size=12)
    kernel = ConstantKernel(1.5) * RBF(0.8) + WhiteKernel(0.3)
    model = GaussianProcessRegressor(kernel, optimizer=None, alpha=1e-10).fit(inputs, y)
    distances = ((inputs[:, None] - inputs) ** 2).sum(axis=-1)

    def loss(theta: Any) -> Any:
        constant, length, noise = jnp.exp(theta)
        kernel = constant * jnp.exp(-distances / (2 * length**2)) + (noise + 1e-10) * jnp.eye(12)
        half_whitened = jnp.linalg.solve(jnp.linalg.cholesky(kernel), y)
        determinant = jnp.linalg.slogdet(kernel)[1]
        return -(half_whitened @ half_whitened + determinant + 12 * jnp.log(2 * jnp.pi)) / 2

    def value_and_gradient(theta: Any) -> tuple[Any, Any]:
        return model.log_marginal_likelihood(np.asarray(theta, np.float64), eval_gradient=True)

    mistakes = (
        instead(
            "by the parameters, not by their logarithms",
            lambda theta: value_and_gradient(theta)[1] / np.exp(theta),
            BY_PARAMETER,
        ),
        half(),
        zeroed("the noise's derivative forgotten", 2, r"\[2\]|\blast\b"),
    )
    return Case(loss, value_and_gradient, (kernel.theta,), mistakes, {"has_value": True})


def kernel(name: str) -> Case:
    """A linear function of a kernel's matrix, by the logarithms of the kernel's parameters."""
    from sklearn.gaussian_process import kernels

    rng = np.random.default_rng(42)
    inputs, cotangent = rng.uniform(-2, 2, (9, 2)), rng.normal(size=(9, 9))
    library = {
        "RBF": lambda: kernels.RBF([0.7, 1.4]),
        "RationalQuadratic": lambda: kernels.RationalQuadratic(0.9, 1.3),
        "Matern": lambda: kernels.Matern(0.8, nu=1.5),
    }[name]()
    squares = (inputs[:, None] - inputs) ** 2

    def matrix(theta: Any) -> Any:
        values = jnp.exp(theta)
        if name == "RBF":
            return jnp.exp(-jnp.sum(squares / values**2, axis=-1) / 2)
        if name == "Matern":
            scaled = np.sqrt(3.0 * squares.sum(axis=-1)) / values[0]
            return (1 + scaled) * jnp.exp(-scaled)
        mixture, length = values  # in the alphabet's order: alpha, length_scale
        return (1 + squares.sum(axis=-1) / (2 * mixture * length**2)) ** -mixture

    def gradient(theta: Any) -> np.ndarray:
        at = library.clone_with_theta(np.asarray(theta, np.float64))
        return np.einsum("ij,ijk->k", cotangent, at(inputs, eval_gradient=True)[1])

    mistakes = (
        instead(
            "by the parameters, not by their logarithms",
            lambda theta: gradient(theta) / np.exp(theta),
            BY_PARAMETER,
        ),
        sign(),
        half()
        if name == "Matern"
        else after("exchanged", lambda g: g[::-1].copy(), r"order|exchang|reversed"),
    )
    point = np.asarray(library.theta)
    return Case(lambda theta: jnp.sum(cotangent * matrix(theta)), gradient, (point,), mistakes)


def cox() -> Case:
    """Cox regression with weights of the subjects: a method on data frames, of lifelines."""
    import pandas as pd
    from lifelines.fitters.coxph_fitter import SemiParametricPHFitter

    rng = np.random.default_rng(43)
    count = 30
    frame = pd.DataFrame(rng.normal(size=(count, 2)), columns=["age", "dose"])
    times = pd.Series(np.sort(rng.uniform(1, 9, count)))
    events = pd.Series(rng.random(count) < 0.6)
    weights = pd.Series(rng.uniform(0.5, 2.0, count))
    later = np.triu(np.ones((count, count), bool))

    def loss(beta: Any) -> Any:
        raw = frame.to_numpy() @ beta
        terms = jnp.broadcast_to(raw + np.log(weights.to_numpy()), (count, count))
        risk = jax.nn.logsumexp(jnp.where(later, terms, -jnp.inf), axis=1)
        return jnp.sum((events * weights).to_numpy(float) * (raw - risk))

    def gradient(beta: Any, weights: pd.Series = weights) -> np.ndarray:
        fitter = SemiParametricPHFitter()
        beta = np.asarray(beta, np.float64)
        return fitter._get_efron_values_single(frame, times, events, weights, None, beta)[1]

    plain = pd.Series(np.ones(count))
    forgotten = instead("the subjects' weights forgotten", lambda b: gradient(b, plain), WEIGHTS)
    return Case(loss, gradient, (rng.normal(size=2),), (forgotten, sign(), coordinate(1)))


def by_autograd() -> Case:
    """A covariance's normal density, differentiated by the rules that autograd has for NumPy."""
    import autograd
    import autograd.numpy as anp

    rng = np.random.default_rng(44)
    lower, centred = np.tril(rng.normal(size=(3, 3))) + 2 * np.eye(3), rng.normal(size=(3, 8))

    def in_numpy(factor: Any) -> Any:
        whitened = anp.linalg.solve(factor, centred)
        return anp.sum(whitened**2) / 2 + 8 * anp.sum(anp.log(anp.abs(anp.diag(factor))))

    def loss(factor: Any) -> Any:
        whitened = jnp.linalg.solve(factor, centred)
        return jnp.sum(whitened**2) / 2 + 8 * jnp.sum(jnp.log(jnp.abs(jnp.diag(factor))))

    right = autograd.grad(in_numpy)
    transposed = after("transposed", lambda g: g.T.copy(), r"transpose")
    as_float: Callable[[Any], Any] = lambda factor: right(np.asarray(factor, np.float64))  # noqa: E731
    return Case(loss, as_float, (lower,), (transposed, twice(), coordinate(2, 1)))


def _entry(name: str, source: str, held: str, make: Callable[[], Case], package: str) -> Foreign:
    return Foreign(name, source, held, make, "called", package)


def _kernel(name: str) -> Foreign:
    source = f"scikit-learn, kernels.{name}"
    return _entry(f"{name} kernel", source, "a closure", lambda: kernel(name), "sklearn")


PROCESSES = (
    _entry(
        "Gaussian process",
        "scikit-learn, GaussianProcessRegressor.log_marginal_likelihood",
        "a bound method; (value, gradient)",
        marginal_likelihood,
        "sklearn",
    ),
    _kernel("RBF"),
    _kernel("RationalQuadratic"),
    _kernel("Matern"),
    _entry("weighted Cox regression", "lifelines, CoxPHFitter", "data frames", cox, "lifelines"),
    _entry("normal density by its factor", "autograd, grad", "a closure", by_autograd, "autograd"),
)
