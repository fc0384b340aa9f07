"""Networks as courses set them: backpropagation in NumPy, layer by layer."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    BIAS,
    EXCHANGED,
    MASK,
    exchanged,
    instead,
    last,
    leaf_scaled,
    summed,
)

COUNT, INPUTS, HIDDEN, CLASSES = 12, 3, 5, 3


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(z)))


def _softmax(scores: Any, axis: int = 1) -> Any:
    odds = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return odds / odds.sum(axis=axis, keepdims=True)


def two_layers() -> Case:
    """ReLU and softmax, parameters in a dict, with NumPy that changes arrays in place."""
    rng = np.random.default_rng(61)
    inputs, labels, reg = rng.normal(size=(COUNT, INPUTS)), rng.integers(0, CLASSES, COUNT), 0.05
    params = {
        "W1": rng.normal(size=(INPUTS, HIDDEN)),
        "b1": rng.normal(size=HIDDEN),
        "W2": rng.normal(size=(HIDDEN, CLASSES)),
        "b2": rng.normal(size=CLASSES),
    }

    def loss(params: Any) -> Any:
        hidden = jax.nn.relu(inputs @ params["W1"] + params["b1"])
        logits = hidden @ params["W2"] + params["b2"]
        data = -jnp.mean(jax.nn.log_softmax(logits)[np.arange(COUNT), labels])
        return data + reg * (jnp.sum(params["W1"] ** 2) + jnp.sum(params["W2"] ** 2))

    def backward(params: Any, *, masked: bool = True, axis: int = 1) -> dict[str, Any]:
        params = {name: np.asarray(value) for name, value in params.items()}
        hidden = np.maximum(0, inputs @ params["W1"] + params["b1"])
        scores = _softmax(hidden @ params["W2"] + params["b2"], axis)
        scores[np.arange(COUNT), labels] -= 1
        scores /= COUNT
        below = scores @ params["W2"].T
        if masked:
            below[hidden <= 0] = 0
        slopes = {"W2": hidden.T @ scores, "b2": scores.sum(axis=0)}
        slopes |= {"W1": inputs.T @ below, "b1": below.sum(axis=0)}
        for name in ("W1", "W2"):
            slopes[name] += 2 * reg * params[name]
        return slopes

    mistakes = (
        instead("the ReLU's mask forgotten", lambda p: backward(p, masked=False), MASK),
        instead("softmax over the examples", lambda p: backward(p, axis=0), r"axis|over the"),
        leaf_scaled("the sum for the mean in one bias", "b2", COUNT, r"b2.{0,80}" + summed(COUNT)),
    )
    return Case(loss, backward, (params,), mistakes)


def digits_network() -> Case:
    """Two layers of sigmoids, a loop over the examples, biases in the first columns."""
    rng = np.random.default_rng(62)
    inputs = rng.normal(size=(COUNT, INPUTS))
    targets, reg = np.eye(CLASSES)[rng.integers(0, CLASSES, COUNT)], 1.5
    sizes = (HIDDEN * (INPUTS + 1), CLASSES * (HIDDEN + 1))

    def unpacked(packed: Any) -> tuple[Any, Any]:
        first = packed[: sizes[0]].reshape(HIDDEN, INPUTS + 1)
        return first, packed[sizes[0] :].reshape(CLASSES, HIDDEN + 1)

    def loss(packed: Any) -> Any:
        first, second = unpacked(packed)
        hidden = jax.nn.sigmoid(inputs @ first[:, 1:].T + first[:, 0])
        raw = hidden @ second[:, 1:].T + second[:, 0]
        penalty = jnp.sum(first[:, 1:] ** 2) + jnp.sum(second[:, 1:] ** 2)
        data = jnp.sum(jax.nn.softplus(raw) - targets * raw)
        return data / COUNT + reg / (2 * COUNT) * penalty

    def backward(packed: Any, *, slope: bool = True, start: int = 1, count: int = COUNT) -> Any:
        first, second = unpacked(np.asarray(packed))
        totals = np.zeros_like(first), np.zeros_like(second)
        for row, target in zip(inputs[:count], targets[:count], strict=True):
            below = np.r_[1.0, row]
            hidden = np.r_[1.0, _sigmoid(first @ below)]
            delta = _sigmoid(second @ hidden) - target
            hidden_delta = (second.T @ delta)[1:]
            if slope:
                hidden_delta *= hidden[1:] * (1 - hidden[1:])
            totals[0][...] += np.outer(hidden_delta, below)
            totals[1][...] += np.outer(delta, hidden)
        for total, weights in zip(totals, (first, second), strict=True):
            total[:, start:] += reg * weights[:, start:]
        return np.concatenate([total.ravel() for total in totals]) / COUNT

    mistakes = (
        instead("the sigmoid's slope forgotten", lambda p: backward(p, slope=False), MASK),
        instead("a penalty on the biases", lambda p: backward(p, start=0), BIAS),
        instead("the last example left out", lambda p: backward(p, count=COUNT - 1), last(COUNT)),
    )
    return Case(loss, backward, (rng.normal(size=sum(sizes)),), mistakes)


class Layers:
    """A network of layer objects that remember what went forward: affine, sigmoid, affine."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        self.inputs, self.targets = inputs, targets
        self.slope, self.count = True, len(inputs)

    def __call__(self, weights: Any) -> dict[str, Any]:
        """The gradient of the cross entropy by both layers' weights."""
        weights = {name: np.asarray(value) for name, value in weights.items()}
        self.out = _sigmoid(self.inputs @ weights["first"])
        residual = (_softmax(self.out @ weights["second"]) - self.targets) / self.count
        below = residual @ weights["second"].T
        if self.slope:
            below = below * self.out * (1 - self.out)
        return {"first": self.inputs.T @ below, "second": self.out.T @ residual}


def layer_objects() -> Case:
    """The same shape in both layers, so that they can be exchanged."""
    rng = np.random.default_rng(63)
    inputs = rng.normal(size=(COUNT, CLASSES))
    targets = np.eye(CLASSES)[rng.integers(0, CLASSES, COUNT)]
    layers, flat, undivided = (Layers(inputs, targets) for _ in range(3))
    flat.slope, undivided.count = False, 1

    def loss(weights: Any) -> Any:
        logits = jax.nn.sigmoid(inputs @ weights["first"]) @ weights["second"]
        return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(logits), axis=1))

    mistakes = (
        instead("the sigmoid's slope forgotten", flat, MASK),
        instead("not divided by the batch's size", undivided, summed(COUNT)),
        exchanged("layers exchanged", "first", "second", EXCHANGED),
    )
    weights = {name: rng.normal(size=(CLASSES, CLASSES)) for name in ("first", "second")}
    return Case(loss, layers, (weights,), mistakes)


def _entry(name: str, course: str, held: str, make: Callable[[], Case]) -> Foreign:
    return Foreign(name, f"as in {course}", held, make, "rewritten")


SCRATCH = "Deep Learning from Scratch"


COURSES_NETWORKS = (
    _entry("two-layer network", "CS231n", "a dict; NumPy in place; closure", two_layers),
    _entry("digits network", "Ng's Machine Learning", "packed vector; loop", digits_network),
    _entry("layer objects", SCRATCH, "a callable object that keeps activations", layer_objects),
)
