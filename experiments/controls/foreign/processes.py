"""Gradients of Gaussian processes and kernels in scikit-learn, and of Cox models in lifelines."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportReturnType=false
# (these packages come with the controls extra; scikit-learn's types are guessed from its defaults)

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
sklearn = partial(foreign, ENTRIES, "scikit-learn, {}", package="sklearn")
of_kernel = partial(sklearn, holds="a closure", seed=42)


BY_PARAMETER = "by the parameters, not by their logarithms", r"logarithm|chain|divided by|exp"
"""A mistake, and the expression for its name."""


@sklearn(
    "Gaussian process",
    "GaussianProcessRegressor.log_marginal_likelihood",
    "a bound method; (value, gradient)",
    41,
)
def marginal_likelihood(rng: Generator) -> Case:
    """The log marginal likelihood of a Gaussian process, by the logarithms of its parameters."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

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

    def by_parameter(theta: Any) -> Any:
        return value_and_gradient(theta)[1] / np.exp(theta)

    return Case(loss, value_and_gradient, (kernel.theta,), {"has_value": True}).with_mistakes(
        wrong.instead(BY_PARAMETER[0], by_parameter, BY_PARAMETER[1]),
        wrong.half(),
        wrong.zeroed("the noise's derivative forgotten", 2, r"\[2\]|\blast\b"),
    )


@of_kernel("Matern kernel", "kernels.Matern", kind="Matern")
@of_kernel("RationalQuadratic kernel", "kernels.RationalQuadratic", kind="RationalQuadratic")
@of_kernel("RBF kernel", "kernels.RBF", kind="RBF")
def kernel(rng: Generator, kind: str) -> Case:
    """A linear function of a kernel's matrix, by the logarithms of the kernel's parameters."""
    from sklearn.gaussian_process import kernels

    inputs, cotangent = rng.uniform(-2, 2, (9, 2)), rng.normal(size=(9, 9))
    library = {
        "RBF": lambda: kernels.RBF([0.7, 1.4]),
        "RationalQuadratic": lambda: kernels.RationalQuadratic(0.9, 1.3),
        "Matern": lambda: kernels.Matern(0.8, nu=1.5),
    }[kind]()
    squares = (inputs[:, None] - inputs) ** 2

    def matrix(theta: Any) -> Any:
        values = jnp.exp(theta)
        if kind == "RBF":
            return jnp.exp(-jnp.sum(squares / values**2, axis=-1) / 2)
        if kind == "Matern":
            scaled = np.sqrt(3.0 * squares.sum(axis=-1)) / values[0]
            return (1 + scaled) * jnp.exp(-scaled)
        mixture, length = values  # in the alphabet's order: alpha, length_scale
        return (1 + squares.sum(axis=-1) / (2 * mixture * length**2)) ** -mixture

    def gradient(theta: Any) -> np.ndarray:
        at = library.clone_with_theta(np.asarray(theta, np.float64))
        return np.einsum("ij,ijk->k", cotangent, at(inputs, eval_gradient=True)[1])

    def by_parameter(theta: Any) -> Any:
        return gradient(theta) / np.exp(theta)

    reversed_ = wrong.after("exchanged", lambda g: g[::-1].copy(), r"order|exchang|reversed")
    point = np.asarray(library.theta)
    return Case(lambda theta: jnp.sum(cotangent * matrix(theta)), gradient, (point,)).with_mistakes(
        wrong.instead(BY_PARAMETER[0], by_parameter, BY_PARAMETER[1]),
        wrong.sign(),
        wrong.half() if kind == "Matern" else reversed_,
    )


@foreign(
    *(ENTRIES, "lifelines, {}", "weighted Cox regression", "CoxPHFitter", "data frames", 43),
    package="lifelines",
)
def cox(rng: Generator) -> Case:
    """Cox regression with weights of the subjects: a method on data frames, of lifelines."""
    import pandas as pd
    from lifelines.fitters.coxph_fitter import SemiParametricPHFitter

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
    forgotten = wrong.given("the subjects' weights forgotten", wrong.WEIGHTS, weights=plain)
    return Case(loss, gradient, (rng.normal(size=2),)).with_mistakes(
        forgotten, wrong.sign(), wrong.coordinate(1)
    )


@foreign(
    *(ENTRIES, "autograd, {}", "normal density by its factor", "grad", "a closure", 44),
    package="autograd",
)
def by_autograd(rng: Generator) -> Case:
    """A covariance's normal density, differentiated by the rules that autograd has for NumPy."""
    import autograd
    import autograd.numpy as anp

    lower, centred = np.tril(rng.normal(size=(3, 3))) + 2 * np.eye(3), rng.normal(size=(3, 8))

    def in_numpy(factor: Any) -> Any:
        whitened = anp.linalg.solve(factor, centred)
        return anp.sum(whitened**2) / 2 + 8 * anp.sum(anp.log(anp.abs(anp.diag(factor))))

    def loss(factor: Any) -> Any:
        whitened = jnp.linalg.solve(factor, centred)
        return jnp.sum(whitened**2) / 2 + 8 * jnp.sum(jnp.log(jnp.abs(jnp.diag(factor))))

    right = autograd.grad(in_numpy)
    transposed = wrong.after("transposed", lambda g: g.T.copy(), r"transpose")
    as_float = lambda factor: right(np.asarray(factor, np.float64))
    return Case(loss, as_float, (lower,)).with_mistakes(
        transposed, wrong.twice(), wrong.coordinate(2, 1)
    )
