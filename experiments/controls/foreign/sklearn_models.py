"""Gradients inside scikit-learn's models, called as the models' optimizers call them."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.controls.foreign.entry import Case, Foreign
from experiments.controls.foreign.mistakes import (
    BIAS,
    MASK,
    PENALTY,
    SHIFTED,
    WEIGHTS,
    after,
    coordinate,
    half,
    instead,
    last,
    sign,
    summed,
    twice,
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
        after("the sum for the mean", lambda g: weights.sum() * g, r"times|sum\b|summed|mean"),
    )
    right = partial(of, sample_weight=weights)
    return Case(partial(loss, weights=weights), right, (0.3 * rng.normal(size=3),), mistakes)


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
            [np.empty(shape) for shape in zip(layers, layers[1:], strict=False)],
            [np.empty(width) for width in layers[1:]],
        )

    def __call__(self, packed: Any) -> tuple[float, np.ndarray]:
        """The loss and its gradient, as the L-BFGS solver asks for them."""
        packed = np.array(packed, np.float64)
        return self.model._loss_grad_lbfgs(packed, self.inputs, self.targets, None, *self.buffers)


def network(activation: str) -> Case:
    """A network of two layers, its weights packed into one vector."""
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(6)
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

    mistakes = (
        instead("the activation's derivative forgotten", without_slope, MASK),
        instead("twice the penalty", penalty, PENALTY),
        zeroed("the last layer's bias forgotten", 20, r"bias|\[20\]|last"),
    )
    return Case(loss, right, (rng.normal(size=21),), mistakes, {"has_value": True})


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


def neighbourhood_components() -> Case:
    """Neighbourhood components analysis: a softmax over distances with infinity on the diagonal."""
    from sklearn.neighbors import NeighborhoodComponentsAnalysis

    rng = np.random.default_rng(8)
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

    mistakes = (sign(), half(), coordinate(4))
    point = rng.normal(size=6)
    return Case(loss, value_and_gradient, (point,), mistakes, {"has_value": True})


def embedding() -> Case:
    """t-SNE's divergence of a map of 12 points, with the optimizer's positional arguments."""
    from sklearn.manifold._t_sne import _kl_divergence

    rng = np.random.default_rng(9)
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

    mistakes = (
        after("a factor of 4 forgotten", lambda g: g / 4, r"0\.25 times|1/4|quarter|factor of 4"),
        zeroed("the last point left out", slice(22, 24), last(24) + r"|\[22"),
        twice(),
    )
    return Case(loss, value_and_gradient, (rng.normal(size=24), joint), mistakes, HAS_VALUE)


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
        "tanh network, packed",
        "MLPRegressor",
        "a callable object with reused buffers; (value, gradient)",
        partial(network, "tanh"),
    ),
    _entry(
        "ReLU network, packed",
        "MLPRegressor",
        "a callable object with reused buffers; (value, gradient)",
        partial(network, "relu"),
    ),
    _entry(
        "Huber regression with its scale",
        "HuberRegressor",
        "a closure; (value, gradient); one argument must stay positive",
        robust_regression,
    ),
    _entry(
        "neighbourhood components",
        "NeighborhoodComponentsAnalysis",
        "a bound method in a closure; (value, gradient); -inf as a mask",
        neighbourhood_components,
    ),
    _entry(
        "t-SNE", "TSNE", "(value, gradient); an argument that is not differentiated", embedding
    ),
)
