"""scikit-learn, an outside judge: its optimum is where the hand-derived gradients vanish.

It minimises C times the sum of the losses plus half of the squared norm; the report's objective is
their mean plus lambda times the squared norm. The two are one problem with C = 1 / (2 lambda N).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from mnist_jax.data import Examples, Mnist, Split, split
from mnist_jax.features import make_inputs
from mnist_jax.models import Model, logistic, objective, softmax

L2 = 0.1
TRAIN, VALIDATION = 300, 500


class Case(NamedTuple):
    model: Model
    digits: tuple[int, int] | None


CASES = {"logistic": Case(logistic, (2, 3)), "softmax": Case(softmax, None)}


class Judged(NamedTuple):
    """A problem in float64, and what scikit-learn makes of it."""

    model: Model
    inputs: jax.Array
    targets: jax.Array
    split: Split
    judge: LogisticRegression

    @property
    def weights(self) -> jax.Array:
        """scikit-learn's, in the shape of ours."""
        rows = self.judge.coef_
        return jnp.asarray(rows[0] if len(rows) == 1 else rows)

    @property
    def gradient(self) -> Callable[[jax.Array], jax.Array]:
        return lambda weights: self.model.gradient(
            weights, self.inputs, self.targets, jnp.asarray(L2)
        )


def inputs_of(examples: Examples) -> jax.Array:
    return make_inputs(jnp.asarray(examples.images), jnp.float64)  # the bias is a column


@pytest.fixture(scope="module", params=CASES)
def judged(request: pytest.FixtureRequest, mnist: Mnist):
    model, digits = CASES[request.param]
    chosen = split(mnist, train_size=TRAIN, validation_size=VALIDATION, digits=digits)
    with jax.enable_x64(True):
        inputs = inputs_of(chosen.train)
        targets = model.targets(jnp.asarray(chosen.train.labels), jnp.float64)
        strength = 1 / (2 * L2 * len(inputs))
        judge = LogisticRegression(
            C=strength, fit_intercept=False, solver="newton-cg", tol=1e-10, max_iter=1000
        )
        judge.fit(np.asarray(inputs), chosen.train.labels)
        yield Judged(model, inputs, targets, chosen, judge)


def test_the_gradient_vanishes_at_its_optimum(judged: Judged):
    assert jnp.linalg.norm(judged.gradient(judged.weights)) < 1e-6
    # and not because it would vanish anywhere
    assert jnp.linalg.norm(judged.gradient(0.99 * judged.weights)) > 1e-4


def test_the_objectives_agree(judged: Judged):
    probabilities = judged.judge.predict_proba(np.asarray(judged.inputs))
    theirs = log_loss(judged.split.train.labels, probabilities) + L2 * np.sum(judged.weights**2)
    ours = objective(judged.model, judged.weights, judged.inputs, judged.targets, L2)
    assert float(ours) == pytest.approx(float(theirs), abs=1e-10)


def test_descent_along_the_gradient_comes_to_its_predictions(judged: Judged):
    @partial(jax.jit, static_argnums=1)
    def descend(weights: jax.Array, steps: int) -> jax.Array:
        step = lambda _, w: w - 0.01 * judged.gradient(w)
        return jax.lax.fori_loop(0, steps, step, weights)

    weights = descend(jnp.zeros_like(judged.weights), 4000)
    assert jnp.linalg.norm(weights - judged.weights) < 1e-3 * jnp.linalg.norm(judged.weights)
    inputs = inputs_of(judged.split.validation)
    theirs = judged.judge.predict(np.asarray(inputs))
    np.testing.assert_array_equal(judged.model.predict(weights, inputs), theirs)
