"""statsmodels' scores: the gradients of log likelihoods, as bound methods of its models."""

# pyright: reportMissingImports=false
# (statsmodels comes with the controls extra, which the tests do without)

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betaln, gammaln, log_ndtr
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, Mistake, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "statsmodels, {}.score", package="statsmodels")

COUNT = 60
HELD = "a bound method; a closure over float64 and integer labels"


def design(rng: Generator) -> np.ndarray:
    """Draws two inputs beside a constant."""
    return np.column_stack([np.ones(COUNT), rng.normal(size=(COUNT, 2))])


def left_out(build: Callable[[Any, Any], Any], y: np.ndarray, inputs: np.ndarray) -> Mistake:
    """Makes the mistake of the last observation left out."""
    score = build(y[:-1], inputs[:-1]).score
    return wrong.instead("the last observation left out", score, wrong.last(COUNT))


@entry("logit likelihood", "Logit", HELD, 11)
def logit(rng: Generator) -> Case:
    """Logistic regression."""
    from statsmodels.api import Logit

    inputs = design(rng)
    y = rng.integers(0, 2, COUNT)
    shifted = Logit(np.roll(y, 1), inputs).score
    rolled = wrong.instead("labels shifted by one", shifted, wrong.SHIFTED)

    loglike = lambda params: jnp.sum(jax.nn.log_sigmoid((2 * y - 1) * (inputs @ params)))
    return Case(loglike, Logit(y, inputs).score, (rng.normal(size=3),)).with_mistakes(
        wrong.sign(), left_out(Logit, y, inputs), rolled
    )


@entry("probit likelihood", "Probit", HELD, 12)
def probit(rng: Generator) -> Case:
    """Probit regression."""
    from statsmodels.api import Probit

    inputs = design(rng)
    y = rng.integers(0, 2, COUNT)
    mean = wrong.scaled("the mean for the sum", 1 / COUNT, wrong.averaged(COUNT))

    loglike = lambda params: jnp.sum(log_ndtr((2 * y - 1) * (inputs @ params)))
    return Case(loglike, Probit(y, inputs).score, (rng.normal(size=3),)).with_mistakes(
        wrong.sign(), mean, wrong.coordinate(1)
    )


@entry("Poisson likelihood", "Poisson", "a bound method; columns of a data frame", 13)
def poisson(rng: Generator) -> Case:
    """Poisson regression of counts in a column of a data frame."""
    import pandas as pd
    from statsmodels.api import Poisson

    inputs = design(rng)
    frame = pd.DataFrame(inputs[:, 1:], columns=["age", "dose"]).assign(const=1.0)
    frame["visits"] = rng.poisson(2.0, COUNT)
    names = ["const", "age", "dose"]

    def loglike(params: Any) -> Any:
        y, raw = frame["visits"].to_numpy(), frame[names].to_numpy() @ params
        return jnp.sum(y * raw - jnp.exp(raw) - gammaln(y + 1.0))

    model = Poisson(frame["visits"], frame[names])
    y = frame["visits"].to_numpy()
    return Case(loglike, model.score, (0.3 * rng.normal(size=3),)).with_mistakes(
        wrong.sign(),
        left_out(Poisson, y, inputs),
        wrong.instead("the mean forgotten: y alone", lambda _: inputs.T @ y, r"constant|depend"),
    )


@entry("multinomial likelihood", "MNLogit", HELD, 14)
def multinomial(rng: Generator) -> Case:
    """Multinomial regression, its parameters packed column by column."""
    from statsmodels.api import MNLogit

    inputs = design(rng)
    y = np.r_[0, 1, 2, rng.integers(0, 3, COUNT - 3)]

    def loglike(params: Any) -> Any:
        logits = inputs @ params.reshape(2, 3).T
        logits = jnp.concatenate([jnp.zeros((COUNT, 1)), logits], axis=1)
        return jnp.sum(jax.nn.log_softmax(logits)[np.arange(COUNT), y])

    packed, last = lambda g: g.reshape(2, 3).T.ravel(), wrong.last(6) + r"|\[3|half|3 of 6"
    return Case(loglike, MNLogit(y, inputs).score, (rng.normal(size=6),)).with_mistakes(
        wrong.after("packed row by row", packed, r"order|transpose|rearrange|exchang"),
        wrong.sign(),
        wrong.zeroed("the last class left out", slice(3, 6), last),
    )


@entry("negative binomial likelihood", "NegativeBinomial", HELD, 15)
def negative_binomial(rng: Generator) -> Case:
    """Negative binomial regression; the dispersion must stay positive."""
    from statsmodels.api import NegativeBinomial

    inputs = design(rng)
    y = rng.negative_binomial(3, 0.5, COUNT)

    def loglike(params: Any) -> Any:
        mean, size = jnp.exp(inputs @ params[:-1]), 1 / params[-1]
        share = size / (size + mean)
        terms = gammaln(size + y) - gammaln(y + 1.0) - gammaln(size)
        return jnp.sum(terms + size * jnp.log(share) + y * jnp.log1p(-share))

    model = NegativeBinomial(y, inputs)
    model._transparams = False  # as after a fit: the dispersion, not its logarithm
    point = np.array([0.4, 0.2, -0.3, 0.5])
    return Case(loglike, model.score, (point,)).with_mistakes(
        wrong.scaled("the derivative by the dispersion's logarithm", 0.5, r"\[3\]", at=3),
        wrong.zeroed("the dispersion's derivative forgotten", 3, r"\[3\]|" + wrong.last(4)),
        wrong.sign(),
    )


@entry("generalized Poisson likelihood", "GeneralizedPoisson", HELD, 16)
def generalized_poisson(rng: Generator) -> Case:
    """Generalized Poisson regression, GP-1."""
    from statsmodels.api import GeneralizedPoisson

    inputs = design(rng)
    y = rng.poisson(2.0, COUNT)

    def loglike(params: Any) -> Any:
        mean, dispersion = jnp.exp(inputs @ params[:-1]), params[-1]
        inner, outer = 1 + dispersion, mean + dispersion * y
        logs = jnp.log(mean) + (y - 1) * jnp.log(outer) - y * jnp.log(inner)
        return jnp.sum(logs - gammaln(y + 1.0) - outer / inner)

    point = np.array([0.4, 0.2, -0.3, 0.3])
    return Case(loglike, GeneralizedPoisson(y, inputs).score, (point,)).with_mistakes(
        wrong.sign(), wrong.twice(), wrong.coordinate(3)
    )


@entry("beta likelihood", "BetaModel", HELD, 17)
def beta(rng: Generator) -> Case:
    """Beta regression with a precision of its own for each observation."""
    from statsmodels.othermod.betareg import BetaModel

    inputs = design(rng)
    y, precision = rng.beta(2.0, 3.0, COUNT), inputs[:, :2]

    def loglike(params: Any) -> Any:
        mean, phi = jax.nn.sigmoid(inputs @ params[:3]), jnp.exp(precision @ params[3:])
        a, b = mean * phi, (1 - mean) * phi
        return jnp.sum((a - 1) * jnp.log(y) + (b - 1) * jnp.log1p(-y) - betaln(a, b))

    model = BetaModel(y, inputs, exog_precision=precision)
    last = r"\[3|" + wrong.last(5)
    forgotten = wrong.zeroed("the precision's derivative forgotten", slice(3, 5), last)
    return Case(loglike, model.score, (0.4 * rng.normal(size=5),)).with_mistakes(
        forgotten, wrong.sign(), wrong.in_float32()
    )


@entry("zero-inflated Poisson likelihood", "ZeroInflatedPoisson", HELD, 18)
def zero_inflated(rng: Generator) -> Case:
    """Zero-inflated Poisson regression, the inflation's parameter first."""
    from statsmodels.api import ZeroInflatedPoisson

    inputs = design(rng)
    y = rng.poisson(2.0, COUNT) * rng.integers(0, 2, COUNT)

    def loglike(params: Any) -> Any:
        inflation, mean = jax.nn.sigmoid(params[0]), jnp.exp(inputs @ params[1:])
        zero = jnp.log(inflation + (1 - inflation) * jnp.exp(-mean))
        positive = jnp.log1p(-inflation) + y * jnp.log(mean) - mean - gammaln(y + 1.0)
        return jnp.sum(jnp.where(y == 0, zero, positive))

    order = r"order|shift|rolled|rearrang"
    rotated = wrong.after("the inflation's parameter last", lambda g: np.roll(g, -1), order)
    point = np.array([-0.5, 0.3, 0.2, -0.4])
    return Case(loglike, ZeroInflatedPoisson(y, inputs).score, (point,)).with_mistakes(
        rotated, wrong.sign(), wrong.half()
    )
