"""Gradients inside scikit-learn's linear models, called as the models' optimizers call them."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "scikit-learn, {}", package="sklearn")

COUNT = 40
CLOSURE, KEYWORDS = "a closure over float64", "functools.partial with keywords"


@entry("logistic regression, intercept free", "LinearModelLoss.gradient", CLOSURE, 3)
def logistic_model(rng: Generator) -> Case:
    """Logistic regression with an intercept that is not penalised."""
    from sklearn._loss import HalfBinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    inputs, y = rng.normal(size=(COUNT, 4)), rng.integers(0, 2, COUNT).astype(float)
    model, l2 = LinearModelLoss(HalfBinomialLoss(), fit_intercept=True), 0.3

    def loss(coef: Any) -> Any:
        raw = inputs @ coef[:-1] + coef[-1]
        return jnp.mean(jax.nn.softplus(raw) - y * raw) + l2 / 2 * jnp.sum(coef[:-1] ** 2)

    def gradient(coef: Any, strength: float = l2) -> Any:
        return model.gradient(np.asarray(coef, np.float64), inputs, y, l2_reg_strength=strength)

    def on_the_intercept(coef: Any) -> Any:
        right = gradient(coef)
        right[-1] += l2 * coef[-1]
        return right

    return Case(loss, gradient, (rng.normal(size=5),)).with_mistakes(
        wrong.given("the penalty forgotten", wrong.PENALTY, strength=0.0),
        wrong.given("twice the penalty", wrong.PENALTY, strength=2 * l2),
        wrong.instead("a penalty on the intercept", on_the_intercept, wrong.BIAS),
    )


@entry(
    "softmax regression, packed",
    "LinearModelLoss.loss_gradient",
    "(value, gradient); integer labels as an argument",
    4,
)
def softmax_model(rng: Generator) -> Case:
    """Softmax regression, the coefficients as one vector, returned with the loss."""
    from sklearn._loss import HalfMultinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    inputs, labels = rng.normal(size=(COUNT, 4)), rng.integers(0, 3, COUNT)
    model = LinearModelLoss(HalfMultinomialLoss(n_classes=3), fit_intercept=False)

    def loss(coef: Any, inputs: Any, labels: Any) -> Any:
        logits = inputs @ coef.reshape(3, 4, order="F").T
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(COUNT), labels])

    def value_and_gradient(coef: Any, inputs: Any, labels: Any) -> tuple[Any, Any]:
        coef, inputs = (np.asarray(each, np.float64) for each in (coef, inputs))
        return model.loss_gradient(coef, inputs, np.asarray(labels, np.float64))

    def shifted(coef: Any, inputs: Any, labels: Any) -> Any:
        return value_and_gradient(coef, inputs, np.roll(labels, 1))[1]

    order = r"order|transpose|rearrange|exchang"
    transposed = lambda g: g.reshape(4, 3).T.ravel()
    arguments = (rng.normal(size=12), inputs, labels)
    return Case(loss, value_and_gradient, arguments, {"has_value": True}).with_mistakes(
        wrong.instead("labels shifted by one", shifted, wrong.SHIFTED),
        wrong.after("classes and inputs exchanged", transposed, order),
        wrong.after("the sum for the mean", lambda g: COUNT * g, wrong.summed(COUNT)),
    )


@entry("Poisson regression, weighted", "LinearModelLoss.gradient", KEYWORDS, 5)
def poisson_model(rng: Generator) -> Case:
    """Poisson regression with weights of the examples, all in keyword arguments of a partial."""
    from sklearn._loss import HalfPoissonLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    inputs, y = rng.normal(size=(COUNT, 3)), rng.poisson(2.0, COUNT).astype(float)
    weights = rng.uniform(0.2, 2.0, COUNT)
    model = LinearModelLoss(HalfPoissonLoss(), fit_intercept=False)

    def gradient(coef: Any, *, sample_weight: Any) -> Any:
        return model.gradient(np.asarray(coef, np.float64), inputs, y, sample_weight)

    def loss(coef: Any, *, weights: Any) -> Any:
        raw = inputs @ coef
        return jnp.sum(weights * (jnp.exp(raw) - y * raw)) / jnp.sum(weights)

    total = r"38\.0\d* times|\bsum(s|med)?\b"
    right = partial(gradient, sample_weight=weights)
    return Case(partial(loss, weights=weights), right, (0.3 * rng.normal(size=3),)).with_mistakes(
        wrong.given("the examples' weights forgotten", wrong.WEIGHTS, sample_weight=None),
        wrong.sign(),
        wrong.scaled("the sum for the mean", weights.sum(), total),
    )


@entry(
    "Huber regression with its scale",
    "HuberRegressor",
    "a closure; (value, gradient); one argument must stay positive",
    7,
)
def robust_regression(rng: Generator) -> Case:
    """Huber's regression: coefficients, intercept, and a scale that must be positive."""
    from sklearn.linear_model._huber import _huber_loss_and_gradient

    inputs, y = rng.normal(size=(COUNT, 3)), 2 * rng.standard_t(2, COUNT)
    weights, epsilon, alpha = rng.uniform(0.2, 2.0, COUNT), 1.35, 0.1

    def loss(w: Any) -> Any:
        distance, scale = jnp.abs(y - inputs @ w[:3] - w[3]), w[4]
        inner = distance**2 / scale
        outer = 2 * epsilon * distance - scale * epsilon**2
        each = scale + jnp.where(distance > epsilon * scale, outer, inner)
        return jnp.sum(weights * each) + alpha * jnp.sum(w[:3] ** 2)

    def of(w: Any, weights: Any, alpha: float = alpha) -> tuple[Any, Any]:
        w = np.asarray(w, np.float64)
        return _huber_loss_and_gradient(w, inputs, y, epsilon, alpha, sample_weight=weights)

    right = lambda w: of(w, weights)
    unweighted = lambda w: of(w, np.ones(COUNT))[1]
    point = np.array([0.5, -0.3, 0.8, 0.2, 1.1])
    return Case(loss, right, (point,), {"has_value": True}).with_mistakes(
        wrong.instead("the examples' weights forgotten", unweighted, wrong.WEIGHTS),
        wrong.instead("the penalty forgotten", lambda w: of(w, weights, 0.0)[1], wrong.PENALTY),
        wrong.zeroed("the scale's derivative forgotten", 4, r"\[4\]|" + wrong.last(5)),
    )
