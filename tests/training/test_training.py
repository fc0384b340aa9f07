"""Runs trained together, compared with single runs in plain NumPy."""

from dataclasses import replace
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
import plain_training as plain
import pytest

from mnist_jax.data import Examples, Split
from mnist_jax.models import logistic, softmax_regression
from mnist_jax.training import (
    Gradient,
    Hyperparameters,
    Outcome,
    Patience,
    Precision,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    shuffled,
    train_step,
)
from mnist_jax.training.step import init_states

models = {"logistic": logistic, "softmax": softmax_regression(3)}
every_model = pytest.mark.parametrize("name", models)
ROUNDING = {"float32": 2e-5, "float64": 1e-12}
both_precisions = pytest.mark.parametrize("precision", ROUNDING)

# An epoch has five steps, and two examples are dropped. Every second step is evaluated: in the
# second epoch, its steps 1 and 3.
SETTINGS = TrainingSettings(epochs=6, batch_size=9, evaluate_every=2)
RNG = np.random.default_rng(3)


def examples(size: int, classes: int) -> Examples:
    labels = RNG.integers(0, classes, size, dtype=np.int32)
    images = RNG.integers(0, 200, (size, 6)) + 50 * (labels[:, None] == np.arange(6))
    return Examples(images.astype(np.uint8), labels)


splits = {
    name: Split(examples(47, classes), examples(30, classes))
    for name, classes in (("logistic", 2), ("softmax", 3))
}
PERMUTATIONS = RNG.permuted(np.tile(np.arange(47, dtype=np.int32), (50, 2, 1)), axis=2)


def in_given_order(epoch: int, num_examples: int) -> np.ndarray:
    return PERMUTATIONS[epoch, :, :num_examples]


def assert_agrees(run: TrainingResult, expected: plain.Run, rtol: float) -> None:
    assert run.outcome == expected.outcome
    assert (run.last_step, run.best_step) == (expected.last_step, expected.best_step)
    evaluations = np.stack(run.history.evaluations, axis=1)
    for measured, exact in (
        (run.weights, expected.weights),
        (run.best_weights, expected.best_weights),
    ):
        np.testing.assert_allclose(measured, exact, rtol=0, atol=rtol * np.abs(exact).max())
    for measured, exact in (
        # if all runs have ended, an epoch is the last, and what is missing after it is NaN
        (run.history.train_loss, expected.train_loss[: len(run.history.train_loss)]),
        (evaluations, expected.evaluations[: len(evaluations)]),
    ):
        np.testing.assert_allclose(measured, exact, rtol=rtol, atol=rtol)


def check_every_run(
    name: str,
    rates: list[float],
    l2: list[float],
    settings: TrainingSettings,
    rounding: float | None = None,
) -> TrainingResult:
    """Trains all runs in two orders at once, and each of them by NumPy."""
    rounding = ROUNDING[settings.precision] if rounding is None else rounding
    values = hyperparameters(rates, l2, num_orders=2)
    result = fit(models[name], splits[name], values, settings, ordering=in_given_order)
    update = {optax.sgd: plain.sgd, optax.adam: plain.adam}[settings.optimizer]
    zeros = np.zeros(result.weights.shape[2:], settings.precision)
    for order, run in product(range(2), range(len(rates))):
        batches = PERMUTATIONS[: settings.epochs, order, :45].reshape(-1, 9)
        expected = plain.train(zeros, splits[name], batches, update(rates[run]), l2[run], every=2)
        assert_agrees(result.run(order, run), expected, rounding)
    return result


@both_precisions
@every_model
@pytest.mark.parametrize("gradient", ["analytic", "autodiff"])
def test_every_run_of_a_batch_is_the_one_of_plain_numpy(
    name: str, gradient: Gradient, precision: Precision
):
    settings = replace(SETTINGS, gradient=gradient, precision=precision)
    result = check_every_run(name, [0.05, 0.5, 0.5], [0.0, 0.0, 0.1], settings)
    assert (result.outcome == Outcome.FINISHED).all()
    assert (result.last_step == 29).all()
    assert result.history.evaluation_steps.tolist() == list(range(0, 30, 2))


@every_model
def test_another_optimizer_keeps_its_state(name: str):
    with jax.numpy_dtype_promotion("standard"):  # optax's Adam needs it
        settings = replace(SETTINGS, optimizer=optax.adam, precision="float64")
        # Adam divides by the root of its second moment; where that is small, rounding is large
        check_every_run(name, [0.01, 0.1], [0.0, 0.1], settings, rounding=1e-8)


@pytest.mark.parametrize(
    ("precision", "rate", "step"),
    [  # lambda = 2 multiplies the weights by 1 - 4 times the learning rate
        ("float32", 1.0, 80),  # the validation loss overflows
        ("float32", 1e20, 1),  # the new weights do
        ("float64", 1e20, 14),
        ("float64", 1e300, 1),
    ],
)
def test_a_diverged_run_ends_and_the_others_continue(precision: Precision, rate: float, step: int):
    settings = replace(SETTINGS, epochs=20, precision=precision)
    result = check_every_run("softmax", [0.1, rate], [0.0, 2.0], settings)
    assert result.outcome.tolist() == [[Outcome.FINISHED, Outcome.DIVERGED]] * 2
    assert result.last_step.tolist() == [[99, step]] * 2
    assert np.isfinite(result.weights).all()
    assert np.isfinite(result.best_weights).all()


def test_a_diverged_run_is_not_evaluated_again():
    def infinite_from_step_4(rate: jax.Array) -> optax.GradientTransformation:
        return optax.sgd(lambda count: jnp.where(jnp.less(count, 4), rate, jnp.inf))

    settings = replace(SETTINGS, optimizer=infinite_from_step_4)
    # it ends with the weights of step 3, whose validation loss is lower than that of step 2
    result = fit(models["softmax"], splits["softmax"], hyperparameters(0.1), settings).run(0, 0)
    assert (result.outcome, result.last_step, result.best_step) == (Outcome.DIVERGED, 4, 2)
    assert np.isfinite(result.history.train_loss).all()
    for values in result.history.evaluations:
        np.testing.assert_array_equal(np.isfinite(values), [True, True, False])


def test_a_step_diverges_if_only_its_loss_is_infinite():
    rate = jnp.float32(0.1)
    values = Hyperparameters(rate, l2=jnp.float32(0))
    states = init_states(logistic, SETTINGS, hyperparameters(0.1), num_inputs=1)
    state = jax.tree.map(lambda array: array[0, 0], states)
    state = state._replace(weights=jnp.array([3e38]))  # twice 3e38 is too much for float32
    batch = jnp.ones((2, 1)), jnp.zeros(2)
    state, loss = train_step(logistic, SETTINGS, state, values, *batch, jnp.int32(7))
    assert (state.outcome.item(), state.last_step.item()) == (Outcome.DIVERGED, 7)
    assert loss.item() == np.inf
    assert jnp.isfinite(state.weights).all()


def arrays(result: TrainingResult) -> list[np.ndarray]:
    history = result.history
    return [result.weights, result.best_weights, history.train_loss, *history.evaluations]


@both_precisions
@every_model
def test_a_run_in_a_batch_is_the_same_run_alone(name: str, precision: Precision):
    settings = replace(SETTINGS, precision=precision, criterion=Patience(4))
    seeds, values = [3, 1, 4], hyperparameters([0.05, 2.0], [0.0, 0.1], num_orders=3)
    result = fit(models[name], splits[name], values, settings, ordering=shuffled(seeds))
    for order, run in product(range(3), range(2)):
        value = Hyperparameters(*(array[order, run].reshape(1, 1) for array in values))
        seed = shuffled(seeds[order : order + 1])
        alone = fit(models[name], splits[name], value, settings, ordering=seed).run(0, 0)
        member = result.run(order, run)
        assert member[2:5] == alone[2:5]
        for in_batch, expected in zip(arrays(member), arrays(alone), strict=True):
            tolerance = ROUNDING[precision]
            # alone, the run's epochs end with it
            measured = in_batch[: len(expected)]
            np.testing.assert_allclose(measured, expected, rtol=tolerance, atol=tolerance)


@both_precisions
@every_model
def test_both_gradients_give_the_same_trajectory(name: str, precision: Precision):
    settings = replace(SETTINGS, epochs=50, precision=precision)
    values = hyperparameters([0.05, 0.5, 0.5], [0.0, 0.0, 0.1], num_orders=2)
    by_hand, by_autodiff = (
        fit(models[name], splits[name], values, changed, ordering=in_given_order)
        for changed in (settings, replace(settings, gradient="autodiff"))
    )
    for measured, expected in zip(arrays(by_hand), arrays(by_autodiff), strict=True):
        tolerance = ROUNDING[precision]
        np.testing.assert_allclose(measured, expected, rtol=tolerance, atol=tolerance)
