"""Gradients inside scikit-learn's models, called as the models' optimizers call them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    BIAS,
    PENALTY,
    SHIFTED,
    WEIGHTS,
    after,
    instead,
    last,
    sign,
    summed,
    zeroed,
)

COUNT = 40


def logistic_model() -> Case:
    """Logistic regression with an intercept that is not penalised."""
    from sklearn._loss import HalfBinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    rng = np.random.default_rng(3)
    inputs, y = rng.normal(size=(COUNT, 4)), rng.integers(0, 2, COUNT).astype(float)
    model, l2 = LinearModelLoss(HalfBinomialLoss(), fit_intercept=True), 0.3

    def loss(coef: Any) -> Any:
        raw = inputs @ coef[:-1] + coef[-1]
        return jnp.mean(jax.nn.softplus(raw) - y * raw) + l2 / 2 * jnp.sum(coef[:-1] ** 2)

    def with_penalty(coef: Any, strength: float) -> Any:
        return model.gradient(np.asarray(coef, np.float64), inputs, y, l2_reg_strength=strength)

    def on_the_intercept(coef: Any) -> Any:
        right = with_penalty(coef, l2)
        right[-1] += l2 * coef[-1]
        return right

    mistakes = (
        instead("the penalty forgotten", lambda coef: with_penalty(coef, 0.0), PENALTY),
        instead("twice the penalty", lambda coef: with_penalty(coef, 2 * l2), PENALTY),
        instead("a penalty on the intercept", on_the_intercept, BIAS),
    )
    coef = rng.normal(size=5)
    return Case(loss, lambda coef: with_penalty(coef, l2), (coef,), mistakes)


def softmax_model() -> Case:
    """Softmax regression, the coefficients as one vector, returned with the loss."""
    from sklearn._loss import HalfMultinomialLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    rng = np.random.default_rng(4)
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

    transposed = lambda g: g.reshape(4, 3).T.ravel()  # noqa: E731 - a change of the gradient
    mistakes = (
        instead("labels shifted by one", shifted, SHIFTED),
        after("classes and inputs exchanged", transposed, r"order|transpose|rearrange|exchang"),
        after("the sum for the mean", lambda g: COUNT * g, summed(COUNT)),
    )
    coef = rng.normal(size=12)
    return Case(loss, value_and_gradient, (coef, inputs, labels), mistakes, {"has_value": True})


def poisson_model() -> Case:
    """Poisson regression with weights of the examples, all in keyword arguments of a partial."""
    from sklearn._loss import HalfPoissonLoss
    from sklearn.linear_model._linear_loss import LinearModelLoss

    rng = np.random.default_rng(5)
    inputs, y = rng.normal(size=(COUNT, 3)), rng.poisson(2.0, COUNT).astype(float)
    weights = rng.uniform(0.2, 2.0, COUNT)
    model = LinearModelLoss(HalfPoissonLoss(), fit_intercept=False)

    def of(coef: Any, *, sample_weight: Any = None) -> Any:
        return model.gradient(np.asarray(coef, np.float64), inputs, y, sample_weight)

    def loss(coef: Any, *, weights: Any) -> Any:
        raw = inputs @ coef
        return jnp.sum(weights * (jnp.exp(raw) - y * raw)) / jnp.sum(weights)

    mistakes = (
        instead("the examples' weights forgotten", of, WEIGHTS),
        sign(),
        after(
            "the sum for the mean", lambda g: weights.sum() * g, r"38\.0\d* times|\bsum(s|med)?\b"
        ),
    )
    right = partial(of, sample_weight=weights)
    return Case(partial(loss, weights=weights), right, (0.3 * rng.normal(size=3),), mistakes)


def robust_regression() -> Case:
    """Huber's regression: coefficients, intercept, and a scale that must be positive."""
    from sklearn.linear_model._huber import _huber_loss_and_gradient

    rng = np.random.default_rng(7)
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

    mistakes = (
        instead("the examples' weights forgotten", lambda w: of(w, np.ones(COUNT))[1], WEIGHTS),
        instead("the penalty forgotten", lambda w: of(w, weights, 0.0)[1], PENALTY),
        zeroed("the scale's derivative forgotten", 4, r"\[4\]|" + last(5)),
    )
    right: Callable[[Any], Any] = lambda w: of(w, weights)  # noqa: E731 - as it is passed
    point = np.array([0.5, -0.3, 0.8, 0.2, 1.1])
    return Case(loss, right, (point,), mistakes, {"has_value": True})


HAS_VALUE = {"has_value": True}


def _entry(name: str, called: str, held: str, make: Callable[[], Case]) -> Foreign:
    return Foreign(name, f"scikit-learn, {called}", held, make, "called", "sklearn")


SKLEARN_MODELS = (
    _entry(
        "logistic regression, intercept free",
        "LinearModelLoss.gradient",
        "a closure over float64",
        logistic_model,
    ),
    _entry(
        "softmax regression, packed",
        "LinearModelLoss.loss_gradient",
        "(value, gradient); integer labels as an argument",
        softmax_model,
    ),
    _entry(
        "Poisson regression, weighted",
        "LinearModelLoss.gradient",
        "functools.partial with keywords",
        poisson_model,
    ),
    _entry(
        "Huber regression with its scale",
        "HuberRegressor",
        "a closure; (value, gradient); one argument must stay positive",
        robust_regression,
    ),
)
