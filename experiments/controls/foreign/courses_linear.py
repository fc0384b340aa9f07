"""Linear models as courses set them: loops over examples, penalties, packed parameters."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.random import Generator

from experiments.controls.foreign import mistakes as wrong
from experiments.controls.foreign.entry import Case, Foreign, foreign

ENTRIES: list[Foreign] = []
entry = partial(foreign, ENTRIES, "as in {}", origin="rewritten")

COUNT, CLASSES, INPUTS = 20, 4, 5


def labelled(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws inputs and their classes."""
    return rng.normal(size=(COUNT, INPUTS)), rng.integers(0, CLASSES, COUNT)


@entry("softmax, loop over examples", "CS231n", "NumPy in place; closure", 51)
def softmax_classifier(rng: Generator) -> Case:
    """Softmax regression with a loop over the examples; integer labels, penalty of the squares."""
    (inputs, labels), reg = labelled(rng), 0.1

    def loss(weights: Any) -> Any:
        logits = inputs @ weights
        data = -jnp.mean(jax.nn.log_softmax(logits)[np.arange(COUNT), labels])
        return data + reg * jnp.sum(weights**2)

    def gradient(weights: Any, reg: float = reg, kept: int = COUNT) -> Any:
        total = np.zeros((INPUTS, CLASSES))
        for row, label in zip(inputs[:kept], labels[:kept], strict=True):
            scores = row @ weights
            odds = np.exp(scores - scores.max())
            odds /= odds.sum()
            odds[label] -= 1
            total += np.outer(row, odds)
        return total / COUNT + 2 * reg * np.asarray(weights)

    def summed_data(weights: Any) -> Any:
        return COUNT * gradient(weights) - (COUNT - 1) * 2 * reg * np.asarray(weights)

    data_alone = "the sum for the mean in the data's term alone"
    return Case(loss, gradient, (rng.normal(size=(INPUTS, CLASSES)),)).with_mistakes(
        wrong.given("half the penalty", wrong.PENALTY, reg=reg / 2),
        wrong.given("the last example left out", wrong.last(COUNT), kept=COUNT - 1),
        wrong.instead(data_alone, summed_data, wrong.summed(COUNT)),
    )


@entry("multiclass hinge, two loops", "CS231n", "(W, X, y, reg) as arguments", 52)
def support_vectors(rng: Generator) -> Case:
    """The multiclass hinge loss with two loops; data, labels and penalty are arguments."""

    def loss(weights: Any, inputs: Any, labels: Any, reg: Any) -> Any:
        scores = inputs @ weights
        own = scores[jnp.arange(COUNT), labels]
        margins = jnp.maximum(0, scores - own[:, None] + 1)
        return jnp.sum(margins) / COUNT - 1 + reg * jnp.sum(weights**2)

    def hinge(weights: Any, inputs: Any, labels: Any, reg: Any, own_class: bool = True) -> Any:
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

    unpenalised = lambda w, x, y, reg: hinge(w, x, y, 0.0)
    inputs, labels = labelled(rng)
    point = 0.5 * rng.normal(size=(INPUTS, CLASSES))
    return Case(loss, hinge, (point, inputs, labels, 0.05)).with_mistakes(
        wrong.given("the right class's column forgotten", own_class=False),
        wrong.instead("the penalty forgotten", unpenalised, wrong.PENALTY),
        wrong.coordinate(2, 1),
    )


@entry("ridge, intercept free", "Ng's Machine Learning", "NumPy in place; closure", 53)
def ridge(rng: Generator) -> Case:
    """Linear regression whose first parameter, the intercept, is not penalised."""
    inputs = np.column_stack([np.ones(COUNT), rng.normal(size=(COUNT, 3))])
    y, reg = rng.normal(size=COUNT), 2.0

    def loss(theta: Any) -> Any:
        residual = inputs @ theta - y
        return (residual @ residual + reg * theta[1:] @ theta[1:]) / (2 * COUNT)

    def gradient(theta: Any, penalised: int = 1) -> Any:
        slope = inputs.T @ (inputs @ theta - y) / COUNT
        slope[penalised:] += reg / COUNT * np.asarray(theta)[penalised:]
        return slope

    return Case(loss, gradient, (rng.normal(size=4),)).with_mistakes(
        wrong.given("a penalty on the intercept", wrong.BIAS, penalised=0),
        wrong.sum_for_mean(COUNT),
        wrong.instead("the residuals, not the weights", lambda w: inputs @ w - y, wrong.SHAPE),
    )


@entry("logistic cost", "Ng's Machine Learning", "columns of a data frame", 54, package="pandas")
def logistic_cost(rng: Generator) -> Case:
    """Regularised logistic regression on columns of a data frame."""
    import pandas as pd

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

    return Case(loss, gradient, (rng.normal(size=3),)).with_mistakes(
        wrong.given("a penalty on the intercept", wrong.BIAS, penalised=0),
        wrong.given("twice the penalty", wrong.PENALTY, strength=2 * reg),
        wrong.sign(),
    )


@entry("recommender", "Ng's Machine Learning", "packed vector; mask in closure", 55)
def recommender(rng: Generator) -> Case:
    """Collaborative filtering: films' features and users' tastes in one vector, ratings missing."""
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

    return Case(loss, gradient, (rng.normal(size=33),)).with_mistakes(
        wrong.given("missing ratings counted", r"mask", known=np.ones_like(rated)),
        wrong.given("the penalty forgotten", wrong.PENALTY, strength=0.0),
        wrong.zeroed("the last user left out", slice(30, 33), wrong.last(33) + r"|\[30"),
    )


@entry("weighted regression", "textbooks", "all data as arguments", 56)
def weighted_regression(rng: Generator) -> Case:
    """Least squares with weights of the examples, data in SciPy's `args` order."""
    inputs, y, s = rng.normal(size=(COUNT, 3)), rng.normal(size=COUNT), rng.uniform(0.2, 3, COUNT)

    loss = lambda w, inputs, y, s: jnp.sum(s * (inputs @ w - y) ** 2)

    def gradient(w: Any, inputs: Any, y: Any, s: Any) -> Any:
        return 2 * inputs.T @ (s * (inputs @ w - y))

    def unweighted(w: Any, inputs: Any, y: Any, s: Any) -> Any:
        return gradient(w, inputs, y, np.ones_like(s))

    def ridged(w: Any, *data: Any) -> Any:
        return gradient(w, *data) + 1e-6 * np.asarray(w)

    return Case(loss, gradient, (rng.normal(size=3), inputs, y, s)).with_mistakes(
        wrong.instead("the examples' weights forgotten", unweighted, wrong.WEIGHTS),
        wrong.scaled("2 forgotten", 0.5, wrong.HALF),
        wrong.instead("a ridge of 1e-6 that the loss lacks", ridged, wrong.PENALTY),
    )
