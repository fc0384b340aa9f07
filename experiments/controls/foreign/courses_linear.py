"""Linear models as courses set them: loops over examples, penalties, packed parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    BIAS,
    PENALTY,
    SHAPE,
    WEIGHTS,
    after,
    coordinate,
    instead,
    last,
    sign,
    summed,
    zeroed,
)

COUNT, CLASSES, INPUTS = 20, 4, 5


def _labelled(seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.normal(size=(COUNT, INPUTS)), rng.integers(0, CLASSES, COUNT)


def _softmax_loop(weights: Any, inputs: Any, labels: Any, reg: float, kept: int = COUNT) -> Any:
    gradient = np.zeros((INPUTS, CLASSES))
    for row, label in zip(inputs[:kept], labels[:kept], strict=True):
        scores = row @ weights
        odds = np.exp(scores - scores.max())
        odds /= odds.sum()
        odds[label] -= 1
        gradient += np.outer(row, odds)
    return gradient / COUNT + 2 * reg * np.asarray(weights)


def softmax_classifier() -> Case:
    """Softmax regression with a loop over the examples; integer labels, penalty of the squares."""
    rng, inputs, labels = _labelled(51)
    reg = 0.1

    def loss(weights: Any) -> Any:
        logits = inputs @ weights
        data = -jnp.mean(jax.nn.log_softmax(logits)[np.arange(COUNT), labels])
        return data + reg * jnp.sum(weights**2)

    def half_penalty(weights: Any) -> Any:
        return _softmax_loop(weights, inputs, labels, reg / 2)

    def summed_data(weights: Any) -> Any:
        right = _softmax_loop(weights, inputs, labels, reg)
        return COUNT * right - (COUNT - 1) * 2 * reg * np.asarray(weights)

    mistakes = (
        instead("half the penalty", half_penalty, PENALTY),
        instead(
            "the last example left out",
            lambda weights: _softmax_loop(weights, inputs, labels, reg, COUNT - 1),
            last(COUNT),
        ),
        instead("the sum for the mean in the data's term alone", summed_data, summed(COUNT)),
    )
    right: Callable[[Any], Any] = lambda weights: _softmax_loop(weights, inputs, labels, reg)  # noqa: E731
    return Case(loss, right, (rng.normal(size=(INPUTS, CLASSES)),), mistakes)


def _hinge(weights: Any, inputs: Any, labels: Any, reg: Any, own_class: bool = True) -> Any:
    weights, inputs = np.asarray(weights), np.asarray(inputs)
    gradient = 2 * float(reg) * weights
    for row, label in zip(inputs, np.asarray(labels), strict=True):
        scores = row @ weights
        for k in range(CLASSES):
            if k != label and scores[k] - scores[label] + 1 > 0:
                gradient[:, k] += row / COUNT
                if own_class:
                    gradient[:, label] -= row / COUNT
    return gradient


def support_vectors() -> Case:
    """The multiclass hinge loss with two loops; data, labels and penalty are arguments."""
    rng, inputs, labels = _labelled(52)

    def loss(weights: Any, inputs: Any, labels: Any, reg: Any) -> Any:
        scores = inputs @ weights
        own = scores[jnp.arange(COUNT), labels]
        margins = jnp.maximum(0, scores - own[:, None] + 1)
        return jnp.sum(margins) / COUNT - 1 + reg * jnp.sum(weights**2)

    mistakes = (
        instead(
            "the right class's column forgotten",
            lambda w, x, y, reg: _hinge(w, x, y, reg, own_class=False),
            "",
        ),
        instead("the penalty forgotten", lambda w, x, y, reg: _hinge(w, x, y, 0.0), PENALTY),
        coordinate(2, 1),
    )
    point = 0.5 * rng.normal(size=(INPUTS, CLASSES))
    return Case(loss, _hinge, (point, inputs, labels, 0.05), mistakes)


def ridge() -> Case:
    """Linear regression whose first parameter, the intercept, is not penalised."""
    rng = np.random.default_rng(53)
    inputs = np.column_stack([np.ones(COUNT), rng.normal(size=(COUNT, 3))])
    y, reg = rng.normal(size=COUNT), 2.0

    def loss(theta: Any) -> Any:
        residual = inputs @ theta - y
        return (residual @ residual + reg * theta[1:] @ theta[1:]) / (2 * COUNT)

    def gradient(theta: Any, penalised: int = 1) -> Any:
        slope = inputs.T @ (inputs @ theta - y) / COUNT
        slope[penalised:] += reg / COUNT * np.asarray(theta)[penalised:]
        return slope

    mistakes = (
        instead("a penalty on the intercept", lambda theta: gradient(theta, 0), BIAS),
        after("the sum for the mean", lambda g: COUNT * g, summed(COUNT)),
        instead("the residuals, not the weights", lambda theta: inputs @ theta - y, SHAPE),
    )
    return Case(loss, gradient, (rng.normal(size=4),), mistakes)


def logistic_cost() -> Case:
    """Regularised logistic regression on columns of a data frame."""
    import pandas as pd

    rng = np.random.default_rng(54)
    frame = pd.DataFrame(rng.normal(size=(COUNT, 2)), columns=["exam 1", "exam 2"])
    frame.insert(0, "one", 1.0)
    admitted, reg = pd.Series(rng.integers(0, 2, COUNT)), 3.0

    def loss(theta: Any) -> Any:
        raw = frame.to_numpy() @ theta
        data = jnp.mean(jax.nn.softplus(raw) - admitted.to_numpy() * raw)
        return data + reg / (2 * COUNT) * jnp.sum(theta[1:] ** 2)

    def gradient(theta: Any, penalised: int = 1, strength: float = reg) -> Any:
        hypothesis = 1 / (1 + np.exp(-(frame.values @ theta)))
        slope = frame.values.T @ (hypothesis - admitted.values) / COUNT
        slope[penalised:] += strength / COUNT * np.asarray(theta)[penalised:]
        return slope

    mistakes = (
        instead("a penalty on the intercept", lambda theta: gradient(theta, 0), BIAS),
        instead("twice the penalty", lambda theta: gradient(theta, 1, 2 * reg), PENALTY),
        sign(),
    )
    return Case(loss, gradient, (rng.normal(size=3),), mistakes)


def recommender() -> Case:
    """Collaborative filtering: films' features and users' tastes in one vector, ratings missing."""
    rng = np.random.default_rng(55)
    films, users, features, reg = 6, 5, 3, 0.4
    ratings, rated = rng.normal(size=(films, users)), rng.random((films, users)) < 0.6

    def unpacked(packed: Any) -> tuple[Any, Any]:
        cut = films * features
        return packed[:cut].reshape(films, features), packed[cut:].reshape(users, features)

    def loss(packed: Any) -> Any:
        x, theta = unpacked(packed)
        errors = jnp.where(rated, x @ theta.T - ratings, 0)
        return (jnp.sum(errors**2) + reg * jnp.sum(packed**2)) / 2

    def gradient(packed: Any, known: Any = rated, strength: float = reg) -> Any:
        x, theta = unpacked(np.asarray(packed))
        errors = (x @ theta.T - ratings) * known
        slopes = errors @ theta + strength * x, errors.T @ x + strength * theta
        return np.concatenate([slope.ravel() for slope in slopes])

    mistakes = (
        instead("missing ratings counted", lambda p: gradient(p, np.ones_like(rated)), r"mask"),
        instead("the penalty forgotten", lambda p: gradient(p, rated, 0.0), PENALTY),
        zeroed("the last user left out", slice(30, 33), last(33) + r"|\[30"),
    )
    return Case(loss, gradient, (rng.normal(size=33),), mistakes)


def weighted_regression() -> Case:
    """Least squares with weights of the examples, data in SciPy's `args` order."""
    rng = np.random.default_rng(56)
    inputs, y, s = rng.normal(size=(COUNT, 3)), rng.normal(size=COUNT), rng.uniform(0.2, 3, COUNT)

    def loss(w: Any, inputs: Any, y: Any, s: Any) -> Any:
        return jnp.sum(s * (inputs @ w - y) ** 2)

    def gradient(w: Any, inputs: Any, y: Any, s: Any) -> Any:
        return 2 * inputs.T @ (s * (inputs @ w - y))

    mistakes = (
        instead(
            "the examples' weights forgotten",
            lambda w, x, y, s: gradient(w, x, y, np.ones_like(s)),
            WEIGHTS,
        ),
        after("2 forgotten", lambda g: g / 2, r"0\.5 times|1/2\b|[Hh]alf|factor of (2|two)"),
        instead(
            "a ridge of 1e-6 that the loss lacks",
            lambda w, x, y, s: gradient(w, x, y, s) + 1e-6 * np.asarray(w),
            PENALTY,
        ),
    )
    return Case(loss, gradient, (rng.normal(size=3), inputs, y, s), mistakes)


def _entry(name: str, course: str, held: str, make: Callable[[], Case]) -> Foreign:
    return Foreign(name, f"as in {course}", held, make, "rewritten")


COURSES_LINEAR = (
    _entry("softmax, loop over examples", "CS231n", "NumPy in place; closure", softmax_classifier),
    _entry("multiclass hinge, two loops", "CS231n", "(W, X, y, reg) as arguments", support_vectors),
    _entry("ridge, intercept free", "Ng's Machine Learning", "NumPy in place; closure", ridge),
    Foreign(
        "logistic cost",
        "as in Ng's Machine Learning",
        "columns of a data frame",
        logistic_cost,
        "rewritten",
        "pandas",
    ),
    _entry("recommender", "Ng's Machine Learning", "packed vector; mask in closure", recommender),
    _entry("weighted regression", "textbooks", "all data as arguments", weighted_regression),
)
