"""Networks and embeddings inside scikit-learn, called as their optimizers call them."""

import warnings
from functools import partial
from itertools import pairwise
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


class PackedNetwork:
    """A scikit-learn network's loss and gradient, with the buffers that its optimizer reuses."""

    def __init__(self, model: Any, inputs: np.ndarray, targets: np.ndarray) -> None:
        with warnings.catch_warnings():  # one step does not converge
            warnings.simplefilter("ignore")
            model.fit(inputs, targets)
        self.model, self.inputs, self.targets = model, inputs, targets
        layers = [inputs.shape[1], *model.hidden_layer_sizes, model.n_outputs_]
        outputs = [np.empty((len(inputs), width)) for width in layers[1:]]
        self.buffers = (
            [inputs, *outputs],
            [np.empty_like(output) for output in outputs],
            [np.empty(shape) for shape in pairwise(layers)],
            [np.empty(width) for width in layers[1:]],
        )

    def __call__(self, packed: Any) -> tuple[float, np.ndarray]:
        """The loss and its gradient, as the L-BFGS solver asks for them."""
        packed = np.array(packed, np.float64)
        return self.model._loss_grad_lbfgs(packed, self.inputs, self.targets, None, *self.buffers)


BUFFERS = "a callable object with reused buffers; (value, gradient)"


@entry("ReLU network, packed", "MLPRegressor", BUFFERS, 6, activation="relu")
@entry("tanh network, packed", "MLPRegressor", BUFFERS, 6, activation="tanh")
def network(rng: Generator, activation: str) -> Case:
    """A network of two layers, its weights packed into one vector."""
    from sklearn.neural_network import MLPRegressor

    inputs, targets, alpha = rng.normal(size=(COUNT, 3)), rng.normal(size=(COUNT, 1)), 0.2
    shape = {"hidden_layer_sizes": (4,), "activation": activation, "alpha": alpha}
    model = MLPRegressor(solver="lbfgs", max_iter=1, random_state=0, **shape)
    right = PackedNetwork(model, inputs, targets.ravel())
    right.targets = targets
    function = {"tanh": jnp.tanh, "relu": jax.nn.relu}[activation]

    def loss(packed: Any) -> Any:
        first, second = packed[:12].reshape(3, 4), packed[12:16].reshape(4, 1)
        hidden = function(inputs @ first + packed[16:20])
        residual = hidden @ second + packed[20] - targets
        penalty = alpha * (jnp.sum(first**2) + jnp.sum(second**2)) / COUNT
        return (jnp.mean(residual**2) + penalty) / 2

    def without_slope(packed: Any) -> np.ndarray:
        first, second = packed[:12].reshape(3, 4), packed[12:16].reshape(4, 1)
        hidden = np.asarray(function(inputs @ first + packed[16:20]))
        below = (hidden @ second + packed[20] - targets) @ second.T / COUNT
        gradient = right(packed)[1]
        gradient[:12] = (inputs.T @ below + alpha * first / COUNT).ravel()
        gradient[16:20] = below.sum(axis=0)
        return gradient

    def penalty(packed: Any) -> np.ndarray:
        gradient = right(packed)[1]
        gradient[:16] += alpha * np.asarray(packed[:16]) / COUNT
        return gradient

    return Case(loss, right, (rng.normal(size=21),), {"has_value": True}).with_mistakes(
        wrong.instead("the activation's derivative forgotten", without_slope, wrong.MASK),
        wrong.instead("twice the penalty", penalty, wrong.PENALTY),
        wrong.zeroed("the last layer's bias forgotten", 20, r"bias|\[20\]|last"),
    )


@entry(
    "neighbourhood components",
    "NeighborhoodComponentsAnalysis",
    "a bound method in a closure; (value, gradient); -inf as a mask",
    8,
)
def neighbourhood_components(rng: Generator) -> Case:
    """Neighbourhood components analysis: a softmax over distances with infinity on the diagonal."""
    from sklearn.neighbors import NeighborhoodComponentsAnalysis

    inputs, labels = rng.normal(size=(15, 3)), rng.integers(0, 2, 15)
    same, model = labels[:, None] == labels, NeighborhoodComponentsAnalysis()
    model.n_iter_ = 1

    def loss(transformation: Any) -> Any:
        embedded = inputs @ transformation.reshape(2, 3).T
        distances = jnp.sum((embedded[:, None] - embedded) ** 2, axis=-1)
        scores = jnp.where(np.eye(15, dtype=bool), -jnp.inf, -distances)
        return -jnp.sum(jax.nn.softmax(scores, axis=1) * same)

    def value_and_gradient(transformation: Any) -> tuple[Any, Any]:
        flat = np.array(transformation, np.float64)
        return model._loss_grad_lbfgs(flat, inputs, same, sign=-1.0)

    return Case(loss, value_and_gradient, (rng.normal(size=6),), {"has_value": True}).with_mistakes(
        wrong.sign(), wrong.half(), wrong.coordinate(4)
    )


@entry("t-SNE", "TSNE", "(value, gradient); an argument that is not differentiated", 9)
def embedding(rng: Generator) -> Case:
    """t-SNE's divergence of a map of 12 points, with the optimizer's positional arguments."""
    from sklearn.manifold._t_sne import _kl_divergence

    joint, count = rng.uniform(0.1, 1.0, 66), 12
    joint /= 2 * joint.sum()
    above = np.triu_indices(count, 1)

    def loss(flat: Any, joint: Any) -> Any:
        points = flat.reshape(count, 2)
        weights = 1 / (1 + jnp.sum((points[above[0]] - points[above[1]]) ** 2, axis=1))
        return 2 * jnp.sum(joint * jnp.log(joint * 2 * jnp.sum(weights) / weights))

    def value_and_gradient(flat: Any, joint: Any) -> tuple[Any, Any]:
        flat, joint = (np.asarray(each, np.float64) for each in (flat, joint))
        return _kl_divergence(flat, joint, 1, count, 2)

    arguments, quarter = (rng.normal(size=24), joint), r"0\.25 times|1/4|quarter|factor of 4"
    return Case(loss, value_and_gradient, arguments, {"has_value": True}).with_mistakes(
        wrong.after("a factor of 4 forgotten", lambda g: g / 4, quarter),
        wrong.zeroed("the last point left out", slice(22, 24), wrong.last(24) + r"|\[22"),
        wrong.twice(),
    )
