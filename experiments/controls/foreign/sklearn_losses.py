"""scikit-learn's losses of raw predictions (`sklearn._loss`), weights of the examples included."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "scikit-learn, {}.gradient", package="sklearn")

COUNT = 40
Value = Callable[[Any, Any], Any]


def draws(rng: Generator, targets: str) -> tuple[np.ndarray, ...]:
    """Draws targets, raw predictions and weights of the examples."""
    kinds = {
        "real": rng.normal(size=COUNT),
        "count": rng.poisson(2.0, COUNT).astype(float),
        "positive": rng.gamma(2.0, 1.0, COUNT) + 0.05,
        "binary": rng.integers(0, 2, COUNT).astype(float),
    }
    return kinds[targets], rng.normal(size=COUNT), rng.uniform(0.2, 2.0, COUNT)


def library_loss(name: str, **settings: Any) -> Any:
    """Makes a loss of the library."""
    from sklearn._loss import loss

    return getattr(loss, name)(**settings)


def weighted(rng: Generator, loss: str, value: Value, targets: str, settings: Any) -> Case:
    """A loss with weights of the examples; targets and weights are arguments."""
    library = library_loss(loss, **settings)

    def gradient(raw: Any, y: Any, s: Any, *, weighted: bool = True) -> Any:
        raw, y, s = (np.asarray(each, np.float64) for each in (raw, y, s))
        s = s if weighted else None
        return library.gradient(y_true=y, raw_prediction=raw, sample_weight=s)

    y, *others = draws(rng, targets)
    arguments = (others[0], y, others[1])
    return Case(lambda raw, y, s: jnp.sum(s * value(y, raw)), gradient, arguments).with_mistakes(
        wrong.given("the examples' weights forgotten", wrong.WEIGHTS, weighted=False),
        wrong.sign(),
        wrong.zeroed("the last example left out", COUNT - 1, wrong.last(COUNT)),
    )


def closed_over(rng: Generator, loss: str, value: Value, targets: str, settings: Any) -> Case:
    """A loss without weights; the targets are in a closure."""
    y, raw, _ = draws(rng, targets)
    library = library_loss(loss, **settings)

    def gradient(raw: Any) -> Any:
        return library.gradient(y_true=y, raw_prediction=np.asarray(raw, np.float64))

    return Case(lambda raw: jnp.sum(value(y, raw)), gradient, (raw,)).with_mistakes(
        wrong.mean_for_sum(COUNT), wrong.twice(), wrong.coordinate(7)
    )


def huber(y: Any, raw: Any) -> Any:
    """The loss with a slope of at most 0.8."""
    distance = jnp.abs(y - raw)
    return jnp.where(distance <= 0.8, distance**2 / 2, 0.8 * (distance - 0.4))


def pinball(y: Any, raw: Any) -> Any:
    """The loss of the quantile 0.3."""
    return jnp.where(y >= raw, 0.3 * (y - raw), 0.7 * (raw - y))


LOSSES: tuple[tuple[str, str, Callable[..., Case], Value, str, dict[str, Any]], ...] = (
    ("squared error", "HalfSquaredError", weighted, lambda y, z: (z - y) ** 2 / 2, "real", {}),
    ("absolute error", "AbsoluteError", closed_over, lambda y, z: jnp.abs(y - z), "real", {}),
    ("pinball loss", "PinballLoss", weighted, pinball, "real", {"quantile": 0.3}),
    ("Huber loss", "HuberLoss", weighted, huber, "real", {"delta": 0.8}),
    ("Poisson loss", "HalfPoissonLoss", closed_over, lambda y, z: jnp.exp(z) - y * z, "count", {}),
    ("gamma loss", "HalfGammaLoss", weighted, lambda y, z: z + y * jnp.exp(-z), "positive", {}),
    (
        *("Tweedie loss", "HalfTweedieLoss", closed_over),
        *(lambda y, z: jnp.exp(0.5 * z) / 0.5 + y * jnp.exp(-0.5 * z) / 0.5, "count"),
        {"power": 1.5},
    ),
    (
        *("binomial loss", "HalfBinomialLoss", weighted),
        *(lambda y, z: jax.nn.softplus(z) - y * z, "binary", {}),
    ),
    (
        *("exponential loss", "ExponentialLoss", closed_over),
        *(lambda y, z: y * jnp.exp(-z) + (1 - y) * jnp.exp(z), "binary", {}),
    ),
)
"""Name, name in the library, form of the case, loss, kind of targets, and settings."""

for title, called, write, value, targets, settings in LOSSES:
    held = "targets and weights as arguments" if write is weighted else "a closure over float64"
    given = {"loss": called, "value": value, "targets": targets, "settings": settings}
    entry(title, called, held, 1, **given)(write)


@entry(
    "Tweedie loss, identity link",
    "HalfTweedieLossIdentity",
    "a closure; the argument must stay positive",
    1,
)
def tweedie_identity(rng: Generator) -> Case:
    """The Tweedie loss of positive raw predictions: they must stay positive."""
    y, raw, _ = draws(rng, "count")
    loss, power = library_loss("HalfTweedieLossIdentity", power=1.7), 1.7

    def value(raw: Any) -> Any:
        return jnp.sum(raw ** (2 - power) / (2 - power) - y * raw ** (1 - power) / (1 - power))

    def gradient(raw: Any) -> Any:
        return loss.gradient(y_true=y, raw_prediction=np.asarray(raw, np.float64))

    return Case(value, gradient, (np.exp(0.5 * raw),)).with_mistakes(
        wrong.sign(), wrong.half(), wrong.coordinate(3)
    )


@entry("multinomial loss", "HalfMultinomialLoss", "a closure over integer labels", 2)
def multinomial(rng: Generator) -> Case:
    """Cross entropy of three classes; labels in a closure, as an integer index in the loss."""
    from sklearn.utils.extmath import softmax

    labels, raw = rng.integers(0, 3, COUNT), rng.normal(size=(COUNT, 3))
    loss, one_hot = library_loss("HalfMultinomialLoss", n_classes=3), np.eye(3)[labels]

    def gradient(raw: Any, labels: np.ndarray = labels) -> Any:
        return loss.gradient(labels.astype(np.float64), np.ascontiguousarray(raw, np.float64))

    def over_the_examples(raw: Any) -> Any:
        return softmax(np.array(raw, np.float64).T).T - one_hot

    cross_entropy = lambda raw: -jnp.sum(jax.nn.log_softmax(raw)[jnp.arange(COUNT), labels])
    shifted = r"shift|rolled|label|row"
    axis = r"axis|over the examples|columns"
    return Case(cross_entropy, gradient, (raw,)).with_mistakes(
        wrong.given("labels shifted by one", shifted, labels=np.roll(labels, 1)),
        wrong.instead("softmax over the examples", over_the_examples, axis),
        wrong.sign(),
    )


@entry(
    "squared error, float32 targets", "HalfSquaredError", "a closure over a float32 array of JAX", 1
)
def with_float32_targets(rng: Generator) -> Case:
    """The squared error with targets that a JAX user holds: an array of float32."""
    y, raw, _ = draws(rng, "real")
    loss, targets = library_loss("HalfSquaredError"), jnp.asarray(y, jnp.float32)

    def gradient(raw: Any) -> Any:
        return loss.gradient(np.asarray(targets, np.float64), np.asarray(raw, np.float64))

    return Case(lambda raw: jnp.sum((raw - targets) ** 2) / 2, gradient, (raw,)).with_mistakes(
        wrong.twice(), wrong.in_float32(), wrong.coordinate(11)
    )
