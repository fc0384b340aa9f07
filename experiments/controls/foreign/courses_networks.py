"""Networks and word vectors as courses set them: backpropagation in NumPy, layer by layer."""

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

COUNT, INPUTS, HIDDEN, CLASSES = 12, 3, 5, 3
SCRATCH = "Deep Learning from Scratch"


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(z)))


def _softmax(scores: Any, axis: int = 1) -> Any:
    odds = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return odds / odds.sum(axis=axis, keepdims=True)


@entry("two-layer network", "CS231n", "a dict; NumPy in place; closure", 61)
def two_layers(rng: Generator) -> Case:
    """ReLU and softmax, parameters in a dict, with NumPy that changes arrays in place."""
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

    one_bias = r"b2.{0,80}" + wrong.summed(COUNT)
    return Case(loss, backward, (params,)).with_mistakes(
        wrong.given("the ReLU's mask forgotten", wrong.MASK, masked=False),
        wrong.given("softmax over the examples", r"axis|over the", axis=0),
        wrong.scaled("the sum for the mean in one bias", COUNT, one_bias, leaf="b2"),
    )


@entry("digits network", "Ng's Machine Learning", "packed vector; loop", 62)
def digits_network(rng: Generator) -> Case:
    """Two layers of sigmoids, a loop over the examples, biases in the first columns."""
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

    return Case(loss, backward, (rng.normal(size=sum(sizes)),)).with_mistakes(
        wrong.given("the sigmoid's slope forgotten", wrong.MASK, slope=False),
        wrong.given("a penalty on the biases", wrong.BIAS, start=0),
        wrong.given("the last example left out", wrong.last(COUNT), count=COUNT - 1),
    )


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


@entry("layer objects", SCRATCH, "a callable object that keeps activations", 63)
def layer_objects(rng: Generator) -> Case:
    """The same shape in both layers, so that they can be exchanged."""
    inputs = rng.normal(size=(COUNT, CLASSES))
    targets = np.eye(CLASSES)[rng.integers(0, CLASSES, COUNT)]
    layers, flat, undivided = (Layers(inputs, targets) for _ in range(3))
    flat.slope, undivided.count = False, 1

    def loss(weights: Any) -> Any:
        logits = jax.nn.sigmoid(inputs @ weights["first"]) @ weights["second"]
        return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(logits), axis=1))

    weights = {name: rng.normal(size=(CLASSES, CLASSES)) for name in ("first", "second")}
    return Case(loss, layers, (weights,)).with_mistakes(
        wrong.instead("the sigmoid's slope forgotten", flat, wrong.MASK),
        wrong.instead("not divided by the batch's size", undivided, wrong.summed(COUNT)),
        wrong.exchanged("layers exchanged", "first", "second"),
    )


@entry("negative sampling", "CS224n", "two arguments; argnum=(0, 1)", 64)
def negative_sampling(rng: Generator) -> Case:
    """Word vectors with negative samples; a sample may come twice."""
    words, size, target, samples = 8, 4, 2, np.array([5, 1, 5, 7])

    def loss(centre: Any, outside: Any) -> Any:
        near = jax.nn.log_sigmoid(outside[target] @ centre)
        return -near - jnp.sum(jax.nn.log_sigmoid(-outside[samples] @ centre))

    def gradient(centre: Any, outside: Any, *, repeated: bool = True) -> tuple[Any, Any]:
        centre, outside = np.asarray(centre), np.asarray(outside)
        near = _sigmoid(outside[target] @ centre) - 1
        far = _sigmoid(outside[samples] @ centre)
        rows = np.zeros((words, size), centre.dtype)
        rows[target] = near * centre
        if repeated:
            np.add.at(rows, samples, far[:, None] * centre)
        else:
            rows[samples] += far[:, None] * centre
        return near * outside[target] + far @ outside[samples], rows

    arguments = (rng.normal(size=size), rng.normal(size=(words, size)))
    return Case(loss, gradient, arguments, {"argnum": (0, 1)}).with_mistakes(
        wrong.given("a repeated index counted once", r"\[5|row 5|repeated", repeated=False),
        wrong.sign(),
        wrong.scaled("twice the second gradient", 2.0, wrong.TWICE, leaf=1),
    )


@entry("embedding", SCRATCH, "integer indices in a closure", 65)
def embedding(rng: Generator) -> Case:
    """A table of word vectors looked up by integer indices, averaged."""
    indices, out = np.array([[0, 2, 2], [1, 3, 0]]), rng.normal(size=(2, 4))

    loss = lambda table: jnp.sum(out * table[indices].mean(axis=1))

    def gradient(table: Any, added: bool = True) -> Any:
        slopes = np.zeros_like(np.asarray(table))
        for sentence, row in zip(indices, out, strict=True):
            for word in sentence:
                if not added:
                    slopes[word] = 0
                slopes[word] += row / len(sentence)
        return slopes

    return Case(loss, gradient, (rng.normal(size=(4, 4)),)).with_mistakes(
        wrong.given("rows overwritten, not added to", r"\[0|\[2|row", added=False),
        wrong.scaled("not divided by the length", 3, wrong.summed(3)),
        wrong.coordinate(3, 1),
    )


@entry("dropout", "CS231n", "a mask in a closure", 66)
def dropout(rng: Generator) -> Case:
    """Inverted dropout with a mask drawn beforehand."""
    keep, out = 0.8, rng.normal(size=(12, 5))
    kept = (rng.random((12, 5)) < keep) / keep

    loss = lambda inputs: jnp.sum(out * jnp.tanh(inputs * kept))

    def gradient(inputs: Any) -> Any:
        return out * (1 - np.tanh(inputs * kept) ** 2) * kept

    def unmasked(inputs: Any) -> Any:
        return out * (1 - np.tanh(inputs * kept) ** 2)

    return Case(loss, gradient, (rng.normal(size=(12, 5)),)).with_mistakes(
        wrong.instead("the mask forgotten", unmasked, r"mask|forgets|zero"),
        wrong.scaled("not divided by the share kept", keep, r"0\.8 times"),
        wrong.scaled("divided by the size", 1 / 12, wrong.averaged(12)),
    )
