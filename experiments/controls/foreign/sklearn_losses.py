"""scikit-learn's losses of raw predictions (`sklearn._loss`), weights of the examples included."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    WEIGHTS,
    coordinate,
    half,
    in_float32,
    instead,
    last,
    mean_for_sum,
    sign,
    twice,
    zeroed,
)

COUNT = 40
Value = Callable[[Any, Any], Any]


def _draws(targets: str) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    kinds = {
        "real": rng.normal(size=COUNT),
        "count": rng.poisson(2.0, COUNT).astype(float),
        "positive": rng.gamma(2.0, 1.0, COUNT) + 0.05,
        "binary": rng.integers(0, 2, COUNT).astype(float),
    }
    return kinds[targets], rng.normal(size=COUNT), rng.uniform(0.2, 2.0, COUNT)


def weighted(name: str, value: Value, targets: str, **settings: Any) -> Case:
    """A loss with weights of the examples; targets and weights are arguments."""
    y, raw, weights = _draws(targets)
    loss = _library_loss(name, **settings)

    def gradient(raw: Any, y: Any, s: Any) -> Any:
        raw, y, s = (np.asarray(each, np.float64) for each in (raw, y, s))
        return loss.gradient(y_true=y, raw_prediction=raw, sample_weight=s)

    def forgotten(raw: Any, y: Any, s: Any) -> Any:
        return loss.gradient(np.asarray(y, np.float64), np.asarray(raw, np.float64))

    mistakes = (
        instead("the examples' weights forgotten", forgotten, WEIGHTS),
        sign(),
        zeroed("the last example left out", COUNT - 1, last(COUNT)),
    )
    return Case(lambda raw, y, s: jnp.sum(s * value(y, raw)), gradient, (raw, y, weights), mistakes)


def closed_over(name: str, value: Value, targets: str, **settings: Any) -> Case:
    """A loss without weights; the targets are in a closure."""
    y, raw, _ = _draws(targets)
    loss = _library_loss(name, **settings)

    def gradient(raw: Any) -> Any:
        return loss.gradient(y_true=y, raw_prediction=np.asarray(raw, np.float64))

    mistakes = (mean_for_sum(COUNT), twice(), coordinate(7))
    return Case(lambda raw: jnp.sum(value(y, raw)), gradient, (raw,), mistakes)


def tweedie_identity() -> Case:
    """The Tweedie loss of positive raw predictions: they must stay positive."""
    y, raw, _ = _draws("count")
    loss, power, raw = _library_loss("HalfTweedieLossIdentity", power=1.7), 1.7, np.exp(0.5 * raw)

    def value(raw: Any) -> Any:
        return jnp.sum(raw ** (2 - power) / (2 - power) - y * raw ** (1 - power) / (1 - power))

    def gradient(raw: Any) -> Any:
        return loss.gradient(y_true=y, raw_prediction=np.asarray(raw, np.float64))

    return Case(value, gradient, (raw,), (sign(), half(), coordinate(3)))


def multinomial() -> Case:
    """Cross entropy of three classes; labels in a closure, as an integer index in the loss."""
    rng = np.random.default_rng(2)
    labels, raw = rng.integers(0, 3, COUNT), rng.normal(size=(COUNT, 3))
    loss = _library_loss("HalfMultinomialLoss", n_classes=3)

    def of(labels: np.ndarray) -> Callable[[Any], Any]:
        y = labels.astype(np.float64)
        return lambda raw: loss.gradient(y, np.ascontiguousarray(raw, np.float64))

    def cross_entropy(raw: Any) -> Any:
        return -jnp.sum(jax.nn.log_softmax(raw)[jnp.arange(COUNT), labels])

    from sklearn.utils.extmath import softmax

    one_hot = np.eye(3)[labels]
    mistakes = (
        instead("labels shifted by one", of(np.roll(labels, 1)), r"shift|rolled|label|row"),
        instead(
            "softmax over the examples",
            lambda raw: softmax(np.array(raw, np.float64).T).T - one_hot,
            r"axis|over the examples|columns",
        ),
        sign(),
    )
    return Case(cross_entropy, of(labels), (raw,), mistakes)


def with_float32_targets() -> Case:
    """The squared error with targets that a JAX user holds: an array of float32."""
    y, raw, _ = _draws("real")
    loss, targets = _library_loss("HalfSquaredError"), jnp.asarray(y, jnp.float32)

    def gradient(raw: Any) -> Any:
        return loss.gradient(np.asarray(targets, np.float64), np.asarray(raw, np.float64))

    mistakes = (twice(), in_float32(), coordinate(11))
    return Case(lambda raw: jnp.sum((raw - targets) ** 2) / 2, gradient, (raw,), mistakes)


def _library_loss(name: str, **settings: Any) -> Any:
    from sklearn._loss import loss

    return getattr(loss, name)(**settings)


def _huber(y: Any, raw: Any) -> Any:
    distance = jnp.abs(y - raw)
    return jnp.where(distance <= 0.8, distance**2 / 2, 0.8 * (distance - 0.4))


def _pinball(y: Any, raw: Any) -> Any:
    return jnp.where(y >= raw, 0.3 * (y - raw), 0.7 * (raw - y))


def _tweedie(y: Any, raw: Any) -> Any:
    return jnp.exp(0.5 * raw) / 0.5 + y * jnp.exp(-0.5 * raw) / 0.5


def _exponential(y: Any, raw: Any) -> Any:
    return y * jnp.exp(-raw) + (1 - y) * jnp.exp(raw)


def _entry(name: str, library_name: str, make: Callable[..., Case], *of: Any, **on: Any) -> Foreign:
    held = "targets and weights as arguments" if make is weighted else "a closure over float64"
    source = f"scikit-learn, {library_name}.gradient"
    return Foreign(name, source, held, partial(make, library_name, *of, **on), "called", "sklearn")


def _special(name: str, library_name: str, held: str, make: Callable[[], Case]) -> Foreign:
    source = f"scikit-learn, {library_name}.gradient"
    return Foreign(name, source, held, make, "called", "sklearn")


SKLEARN_LOSSES = (
    _entry(
        "squared error", "HalfSquaredError", weighted, lambda y, raw: (raw - y) ** 2 / 2, "real"
    ),
    _entry("absolute error", "AbsoluteError", closed_over, lambda y, raw: jnp.abs(y - raw), "real"),
    _entry("pinball loss", "PinballLoss", weighted, _pinball, "real", quantile=0.3),
    _entry("Huber loss", "HuberLoss", weighted, _huber, "real", delta=0.8),
    _entry(
        "Poisson loss",
        "HalfPoissonLoss",
        closed_over,
        lambda y, raw: jnp.exp(raw) - y * raw,
        "count",
    ),
    _entry(
        "gamma loss",
        "HalfGammaLoss",
        weighted,
        lambda y, raw: raw + y * jnp.exp(-raw),
        "positive",
    ),
    _entry("Tweedie loss", "HalfTweedieLoss", closed_over, _tweedie, "count", power=1.5),
    _entry(
        "binomial loss",
        "HalfBinomialLoss",
        weighted,
        lambda y, raw: jax.nn.softplus(raw) - y * raw,
        "binary",
    ),
    _entry("exponential loss", "ExponentialLoss", closed_over, _exponential, "binary"),
    _special(
        "Tweedie loss, identity link",
        "HalfTweedieLossIdentity",
        "a closure; the argument must stay positive",
        tweedie_identity,
    ),
    _special(
        "multinomial loss", "HalfMultinomialLoss", "a closure over integer labels", multinomial
    ),
    _special(
        "squared error, float32 targets",
        "HalfSquaredError",
        "a closure over a float32 array of JAX",
        with_float32_targets,
    ),
)
