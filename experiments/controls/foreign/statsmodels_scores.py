"""statsmodels' scores: the gradients of log likelihoods, as bound methods of its models."""

# pyright: reportMissingImports=false
# (statsmodels comes with the controls extra, which the tests do without)

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betaln, gammaln, log_ndtr

from experiments.controls.foreign.entry import Case, Foreign, Mistake
from experiments.controls.foreign.mistakes import (
    SHIFTED,
    after,
    averaged,
    coordinate,
    half,
    in_float32,
    instead,
    last,
    sign,
    twice,
    zeroed,
)

COUNT = 60


def _data(seed: int, inputs: int = 3) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, np.column_stack([np.ones(COUNT), rng.normal(size=(COUNT, inputs - 1))])


def _left_out(build: Callable[[Any, Any], Any], y: np.ndarray, inputs: np.ndarray) -> Mistake:
    """The score of all observations but the last."""
    return instead("the last observation left out", build(y[:-1], inputs[:-1]).score, last(COUNT))


def _shifted(build: Callable[[Any, Any], Any], y: np.ndarray, inputs: np.ndarray) -> Mistake:
    return instead("labels shifted by one", build(np.roll(y, 1), inputs).score, SHIFTED)


def logit() -> Case:
    """Logistic regression."""
    from statsmodels.api import Logit

    rng, inputs = _data(11)
    y = rng.integers(0, 2, COUNT)
    mistakes = (sign(), _left_out(Logit, y, inputs), _shifted(Logit, y, inputs))

    def loglike(params: Any) -> Any:
        return jnp.sum(jax.nn.log_sigmoid((2 * y - 1) * (inputs @ params)))

    return Case(loglike, Logit(y, inputs).score, (rng.normal(size=3),), mistakes)


def probit() -> Case:
    """Probit regression."""
    from statsmodels.api import Probit

    rng, inputs = _data(12)
    y = rng.integers(0, 2, COUNT)
    mean = after("the mean for the sum", lambda g: g / COUNT, averaged(COUNT))
    mistakes = (sign(), mean, coordinate(1))

    def loglike(params: Any) -> Any:
        return jnp.sum(log_ndtr((2 * y - 1) * (inputs @ params)))

    return Case(loglike, Probit(y, inputs).score, (rng.normal(size=3),), mistakes)


def poisson() -> Case:
    """Poisson regression of counts in a column of a data frame."""
    import pandas as pd
    from statsmodels.api import Poisson

    rng, inputs = _data(13)
    frame = pd.DataFrame(inputs[:, 1:], columns=["age", "dose"]).assign(const=1.0)
    frame["visits"] = rng.poisson(2.0, COUNT)
    names = ["const", "age", "dose"]

    def loglike(params: Any) -> Any:
        y, raw = frame["visits"].to_numpy(), frame[names].to_numpy() @ params
        return jnp.sum(y * raw - jnp.exp(raw) - gammaln(y + 1.0))

    model = Poisson(frame["visits"], frame[names])
    y = frame["visits"].to_numpy()
    mistakes = (
        sign(),
        _left_out(Poisson, y, inputs),
        instead("the mean forgotten: y alone", lambda _: inputs.T @ y, r"constant|depend"),
    )
    return Case(loglike, model.score, (0.3 * rng.normal(size=3),), mistakes)


def multinomial() -> Case:
    """Multinomial regression, its parameters packed column by column."""
    from statsmodels.api import MNLogit

    rng, inputs = _data(14)
    y = np.r_[0, 1, 2, rng.integers(0, 3, COUNT - 3)]

    def loglike(params: Any) -> Any:
        logits = inputs @ params.reshape(2, 3).T
        logits = jnp.concatenate([jnp.zeros((COUNT, 1)), logits], axis=1)
        return jnp.sum(jax.nn.log_softmax(logits)[np.arange(COUNT), y])

    order = after(
        "packed row by row",
        lambda g: g.reshape(2, 3).T.ravel(),
        r"order|transpose|rearrange|exchang",
    )
    last_class = zeroed("the last class left out", slice(3, 6), last(6) + r"|\[3|half|3 of 6")
    point = rng.normal(size=6)
    return Case(loglike, MNLogit(y, inputs).score, (point,), (order, sign(), last_class))


def negative_binomial() -> Case:
    """Negative binomial regression; the dispersion must stay positive."""
    from statsmodels.api import NegativeBinomial

    rng, inputs = _data(15)
    y = rng.negative_binomial(3, 0.5, COUNT)

    def loglike(params: Any) -> Any:
        mean, size = jnp.exp(inputs @ params[:-1]), 1 / params[-1]
        share = size / (size + mean)
        return jnp.sum(
            gammaln(size + y)
            - gammaln(y + 1.0)
            - gammaln(size)
            + size * jnp.log(share)
            + y * jnp.log1p(-share)
        )

    by_log = after(
        "the derivative by the dispersion's logarithm",
        lambda g: np.r_[g[:-1], 0.5 * g[-1]],
        r"\[3\]",
    )
    left_out = zeroed("the dispersion's derivative forgotten", 3, r"\[3\]|" + last(4))
    model = NegativeBinomial(y, inputs)
    model._transparams = False  # as after a fit: the dispersion, not its logarithm
    point = np.array([0.4, 0.2, -0.3, 0.5])
    return Case(loglike, model.score, (point,), (by_log, left_out, sign()))


def generalized_poisson() -> Case:
    """Generalized Poisson regression, GP-1."""
    from statsmodels.api import GeneralizedPoisson

    rng, inputs = _data(16)
    y = rng.poisson(2.0, COUNT)

    def loglike(params: Any) -> Any:
        mean, dispersion = jnp.exp(inputs @ params[:-1]), params[-1]
        inner, outer = 1 + dispersion, mean + dispersion * y
        return jnp.sum(
            jnp.log(mean)
            + (y - 1) * jnp.log(outer)
            - y * jnp.log(inner)
            - gammaln(y + 1.0)
            - outer / inner
        )

    point = np.array([0.4, 0.2, -0.3, 0.3])
    mistakes = (sign(), twice(), coordinate(3))
    return Case(loglike, GeneralizedPoisson(y, inputs).score, (point,), mistakes)


def beta() -> Case:
    """Beta regression with a precision of its own for each observation."""
    from statsmodels.othermod.betareg import BetaModel

    rng, inputs = _data(17)
    y, precision = rng.beta(2.0, 3.0, COUNT), inputs[:, :2]

    def loglike(params: Any) -> Any:
        mean, phi = jax.nn.sigmoid(inputs @ params[:3]), jnp.exp(precision @ params[3:])
        a, b = mean * phi, (1 - mean) * phi
        return jnp.sum((a - 1) * jnp.log(y) + (b - 1) * jnp.log1p(-y) - betaln(a, b))

    model = BetaModel(y, inputs, exog_precision=precision)
    left_out = zeroed("the precision's derivative forgotten", slice(3, 5), r"\[3|" + last(5))
    point = 0.4 * rng.normal(size=5)
    return Case(loglike, model.score, (point,), (left_out, sign(), in_float32()))


def zero_inflated() -> Case:
    """Zero-inflated Poisson regression, the inflation's parameter first."""
    from statsmodels.api import ZeroInflatedPoisson

    rng, inputs = _data(18)
    y = rng.poisson(2.0, COUNT) * rng.integers(0, 2, COUNT)

    def loglike(params: Any) -> Any:
        inflation, mean = jax.nn.sigmoid(params[0]), jnp.exp(inputs @ params[1:])
        zero = jnp.log(inflation + (1 - inflation) * jnp.exp(-mean))
        positive = jnp.log1p(-inflation) + y * jnp.log(mean) - mean - gammaln(y + 1.0)
        return jnp.sum(jnp.where(y == 0, zero, positive))

    rotated = after(
        "the inflation's parameter last", lambda g: np.roll(g, -1), r"order|shift|rolled|rearrang"
    )
    mistakes = (rotated, sign(), half())
    point = np.array([-0.5, 0.3, 0.2, -0.4])
    return Case(loglike, ZeroInflatedPoisson(y, inputs).score, (point,), mistakes)


def _entry(name: str, called: str, make: Callable[[], Case], held: str = "") -> Foreign:
    held = held or "a bound method; a closure over float64 and integer labels"
    return Foreign(name, f"statsmodels, {called}.score", held, make, "called", "statsmodels")


STATSMODELS_SCORES = (
    _entry("logit likelihood", "Logit", logit),
    _entry("probit likelihood", "Probit", probit),
    _entry("Poisson likelihood", "Poisson", poisson, "a bound method; columns of a data frame"),
    _entry("multinomial likelihood", "MNLogit", multinomial),
    _entry("negative binomial likelihood", "NegativeBinomial", negative_binomial),
    _entry("generalized Poisson likelihood", "GeneralizedPoisson", generalized_poisson),
    _entry("beta likelihood", "BetaModel", beta),
    _entry("zero-inflated Poisson likelihood", "ZeroInflatedPoisson", zero_inflated),
)
