"""The losses, against numbers worked by hand, identities and the formulas of the report."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from jaxtyping import TypeCheckError

from mnist_jax.losses import l2_penalty, logistic_cross_entropy, softmax_cross_entropy
from mnist_jax.models import logistic, objective, softmax_regression

both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])

N, K = 4, 3
ROUNDING = 32  # in units of the dtype's eps, whatever the size


def logits_within(bound: float, shape: tuple[int, ...] = (N, K)) -> st.SearchStrategy[np.ndarray]:
    elements = st.floats(-bound, bound, allow_subnormal=False)
    return st_numpy.arrays(np.float64, shape, elements=elements)


probabilities = st_numpy.arrays(np.float64, N, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
classes = st_numpy.arrays(np.int32, N, elements=st.integers(0, K - 1))


def softmax_loss(logits: np.ndarray, labels: np.ndarray, dtype: str = "float64") -> np.ndarray:
    with jax.enable_x64(dtype == "float64"):
        targets = np.eye(logits.shape[1], dtype=dtype)[labels]
        loss = softmax_cross_entropy(jnp.asarray(logits.T, dtype), jnp.asarray(targets.T))
    assert loss.dtype == dtype
    return np.asarray(loss)


def logistic_loss(logits: np.ndarray, targets: np.ndarray, dtype: str = "float64") -> np.ndarray:
    with jax.enable_x64(dtype == "float64"):
        loss = logistic_cross_entropy(jnp.asarray(logits, dtype), jnp.asarray(targets, dtype))
    assert loss.dtype == dtype
    return np.asarray(loss)


def close(dtype: str, scale: float = 1.0) -> float:
    return ROUNDING * float(np.finfo(dtype).eps) * scale


@both_precisions
@pytest.mark.parametrize(
    ("logits", "targets", "expected"),
    [
        ([0.0], [1.0], math.log(2)),
        ([0.0, 0.0], [0.0, 0.5], math.log(2)),
        ([math.log(3)], [1.0], math.log(4 / 3)),  # the sigmoid of ln 3 is 3/4
        ([math.log(3)], [0.0], math.log(4)),
        ([math.log(3), math.log(3)], [1.0, 0.0], math.log(16 / 3) / 2),
        ([1e4], [0.0], 1e4),
        ([-1e4, 1e4], [1.0, 1.0], 5e3),
        ([1e4], [1.0], 0.0),
    ],
)
def test_logistic_loss_known_numbers(logits: list, targets: list, expected: float, dtype: str):
    loss = logistic_loss(np.array(logits), np.array(targets), dtype)
    assert loss == pytest.approx(expected, rel=close(dtype), abs=0)


@both_precisions
@pytest.mark.parametrize(
    ("logits", "labels", "expected"),
    [
        ([[0.0] * 10], [7], math.log(10)),
        ([[5.0, 5.0]], [1], math.log(2)),
        ([[0.0, math.log(3)]], [1], math.log(4 / 3)),
        ([[0.0, math.log(3)], [0.0, math.log(3)]], [1, 0], math.log(16 / 3) / 2),
        ([[1e4, 0.0, -1e4]], [2], 2e4),
        ([[1e4, 0.0, -1e4]], [0], 0.0),
    ],
)
def test_softmax_loss_known_numbers(logits: list, labels: list, expected: float, dtype: str):
    loss = softmax_loss(np.array(logits), np.array(labels), dtype)
    assert loss == pytest.approx(expected, rel=close(dtype), abs=0)


@both_precisions
@given(logits=logits_within(1e4), labels=classes, targets=probabilities)
def test_losses_are_finite_and_not_negative(
    logits: np.ndarray, labels: np.ndarray, targets: np.ndarray, dtype: str
):
    losses = [softmax_loss(logits, labels, dtype), logistic_loss(logits[:, 0], targets, dtype)]
    assert np.isfinite(losses).all()
    assert min(losses) >= 0


@both_precisions
@given(logits=logits_within(8), labels=classes, targets=probabilities)
def test_losses_are_the_printed_formulas_where_those_can_be_evaluated(
    logits: np.ndarray, labels: np.ndarray, targets: np.ndarray, dtype: str
):
    logits = logits.astype(dtype).astype(float)  # what is rounded here is not the loss's error
    sigmoid = 1 / (1 + np.exp(-logits[:, 0]))
    printed = -np.mean(targets * np.log(sigmoid) + (1 - targets) * np.log(1 - sigmoid))
    # near 8, 1 - sigmoid has lost a factor e^8 of its precision
    rounding = close(dtype, 0.1) + close("float64", math.exp(8))
    measured = logistic_loss(logits[:, 0], targets, dtype)
    assert measured == pytest.approx(printed, rel=close(dtype), abs=rounding)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    printed = -np.mean(np.log(softmax[np.arange(N), labels]))
    # log-softmax is a difference of numbers up to 16
    assert softmax_loss(logits, labels, dtype) == pytest.approx(printed, abs=close(dtype, 16))


@given(logits=logits_within(1e3), labels=classes, constant=st.floats(-1e3, 1e3))
def test_a_constant_added_to_all_logits_changes_nothing(
    logits: np.ndarray, labels: np.ndarray, constant: float
):
    shifted = softmax_loss(logits + constant, labels)
    assert shifted == pytest.approx(softmax_loss(logits, labels), abs=close("float64", 2e3))


@given(logits=logits_within(1e3, (N, 2)), labels=classes.map(lambda labels: labels % 2))
def test_softmax_of_two_classes_is_logistic(logits: np.ndarray, labels: np.ndarray):
    of_one = logistic_loss(logits[:, 1] - logits[:, 0], labels)
    assert softmax_loss(logits, labels) == pytest.approx(of_one, abs=close("float64", 2e3))


@given(logits=logits_within(1e4, (N,)), targets=probabilities)
def test_swapping_the_two_classes_changes_nothing(logits: np.ndarray, targets: np.ndarray):
    swapped = logistic_loss(-logits, 1 - targets)
    assert swapped == pytest.approx(logistic_loss(logits, targets), rel=close("float64"))


@given(logits=logits_within(1e2), labels=classes, order=st.permutations(range(N)))
def test_losses_are_means_over_examples_in_any_order(
    logits: np.ndarray, labels: np.ndarray, order: list[int]
):
    for loss in (softmax_loss(logits, labels), softmax_loss(logits[order], labels[order])):
        alone = [softmax_loss(logits[n : n + 1], labels[n : n + 1]) for n in range(N)]
        assert loss == pytest.approx(np.mean(alone), rel=close("float64"))
    targets = (labels == 0).astype(float)
    for rows in (order, order * 2):
        loss = logistic_loss(logits[rows, 0], targets[rows])
        alone = [logistic_loss(logits[n : n + 1, 0], targets[n : n + 1]) for n in range(N)]
        assert loss == pytest.approx(np.mean(alone), rel=close("float64"))


@pytest.mark.parametrize(
    ("weights", "expected"), [([3.0, 4.0], 25.0), ([[1.0, -2.0], [2.0, 0.0]], 9.0), ([0.0], 0.0)]
)
def test_the_penalty_is_the_squared_norm(weights: list, expected: float):
    assert l2_penalty(jnp.asarray(weights)) == expected
    assert l2_penalty(-2 * jnp.asarray(weights)) == 4 * expected


def test_the_objective_adds_lambda_times_the_penalty():
    inputs = jnp.zeros((1, 2))  # logits of zero, whatever the weights
    value = objective(logistic, jnp.array([3.0, 4.0]), inputs, jnp.ones(1), 0.5)
    assert value == pytest.approx(math.log(2) + 12.5)
    value = objective(softmax_regression(4), jnp.full((4, 2), 0.5), inputs, jnp.eye(4)[:1], 3.0)
    assert value == pytest.approx(math.log(4) + 6)


def test_logits_and_targets_of_different_shapes_are_refused():
    with pytest.raises(TypeCheckError):
        softmax_cross_entropy(jnp.zeros((2, 3)), jnp.zeros((3, 2)))
    with pytest.raises(TypeCheckError):
        logistic_cross_entropy(jnp.zeros(3), jnp.zeros(1))
