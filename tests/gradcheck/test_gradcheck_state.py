"""Losses that leave values behind for their gradients: layers, caches, variables."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import check

rng = np.random.default_rng(4)
X, LABELS = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
TARGETS, W = np.eye(3)[LABELS], rng.normal(size=(4, 3))


class Linear:
    def forward(self, x, weights):
        self.x = x
        return x @ weights

    def backward(self, residual):
        return self.x.T @ residual


class CrossEntropy:
    def forward(self, z):
        exps = np.exp(z - z.max(1, keepdims=True))
        self.p = exps / exps.sum(1, keepdims=True)
        return -np.mean(np.log(self.p[np.arange(len(z)), LABELS]))

    def backward(self):
        residual = self.p.copy()
        residual[np.arange(len(LABELS)), LABELS] -= 1
        return residual / len(LABELS)


class Net:
    def __init__(self):
        self.layers = [Linear(), CrossEntropy()]

    def loss(self, weights):
        return self.layers[1].forward(self.layers[0].forward(X, weights))

    def gradient(self, weights):
        return self.layers[0].backward(self.layers[1].backward())


def of_layers():
    net = Net()
    return net.loss, net.gradient


class Decorated(Net):
    @functools.wraps(print)
    def show(self):
        """Wraps a function that is not written in Python."""


def of_decorated_methods():
    net = Decorated()
    return net.loss, net.gradient


def of_closures():
    net = Net()
    return lambda w: net.loss(w) + 0, lambda w: 1 * net.gradient(w)


def of_a_dict():
    cache = {}

    def loss(weights):
        cache["p"] = jax.nn.softmax(X @ weights)
        return -jnp.mean(jnp.sum(TARGETS * jnp.log(cache["p"]), 1))

    return loss, lambda weights: X.T @ (cache["p"] - TARGETS) / len(X)


def of_a_variable():
    p: Any = None

    def loss(weights):
        nonlocal p
        p = jax.nn.softmax(X @ weights)
        return -jnp.mean(jnp.sum(TARGETS * jnp.log(p), 1))

    return loss, lambda weights: X.T @ (p - TARGETS) / len(X)


STATES = [of_layers, of_decorated_methods, of_closures, of_a_dict, of_a_variable]


@pytest.mark.parametrize("functions", STATES)
def test_a_gradient_may_need_what_the_loss_stored(functions):
    assert check(*functions(), W).passes


@pytest.mark.parametrize("functions", STATES)
def test_such_a_gradient_is_wrong_where_it_is(functions):
    loss, gradient = functions()
    report = check(loss, lambda weights: len(X) * gradient(weights), W)
    assert not report
    assert "20 times" in " ".join(report.diagnosis)


def test_a_loss_of_one_number_in_an_array_is_a_scalar():
    def loss(column):
        return (X @ column).T @ (X @ column)  # (1, 1)

    assert check(loss, lambda column: 2 * X.T @ (X @ column), W[:, :1])


@pytest.mark.parametrize("result", [None, {"dw": W}, [W, None]])
def test_a_gradient_of_another_structure_is_one_message(result):
    with pytest.raises(UsageError, match="return the same tree"):
        check(lambda weights: jnp.sum(weights**2), lambda weights: result, W)
