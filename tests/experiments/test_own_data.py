"""Arrays of users: splits, inputs, and error messages."""

import re
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_jax.data import Examples, Mnist, Split, split
from mnist_jax.errors import UsageError
from mnist_jax.features import append_bias, identity, make_inputs
from mnist_jax.models import logistic, softmax_regression
from mnist_jax.training import TrainingSettings, fit, hyperparameters

RNG = np.random.default_rng(11)
CENTRES = 2.0 * RNG.normal(size=(3, 5))
LABELS = RNG.integers(0, 3, 300)
FEATURES = CENTRES[LABELS] + RNG.normal(size=(300, 5))
PIXELS = np.clip(127.5 + 20 * FEATURES, 0, 255).astype(np.uint8)
three = softmax_regression(3)


def make_split(images: Any, labels: Any = LABELS) -> Split:
    return Split.of(images[:200], labels[:200], images[200:], labels[200:])


def last_accuracy(split: Split, **settings: Any) -> float:
    program = TrainingSettings(epochs=20, batch_size=20, **settings)
    result = fit(three, split, hyperparameters(0.1), program)
    return result.history.evaluations.validation_accuracy[-1, 0, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("inputs", [identity, append_bias])
def test_scaled_features_are_learned_from(dtype: Any, inputs: Callable):
    assert last_accuracy(make_split(FEATURES.astype(dtype)), inputs=inputs) > 0.85
    mapped = (FEATURES - FEATURES.min()) / np.ptp(FEATURES)
    assert last_accuracy(make_split(mapped.astype(dtype)), inputs=inputs, optimizer=optax.sgd) > 0.8


def test_pixels_and_a_function_of_them_are_learned_from():
    assert last_accuracy(make_split(PIXELS)) > 0.85

    def standardised(images: Any, dtype: Any) -> Any:
        assert images.ndim == 2  # rows, whatever the loop batches
        ones = jnp.ones((len(images), 1), dtype)
        mean = jnp.asarray(PIXELS.mean(axis=0, keepdims=True), dtype)
        return jnp.concatenate([(images.astype(dtype) - mean) / 40, ones], axis=1)

    assert last_accuracy(make_split(PIXELS), inputs=standardised) > 0.85


def test_inputs_decide_how_many_weights_there_are():
    for inputs, expected in ((identity, 5), (append_bias, 6), (lambda x, dtype: x[:, :2], 2)):
        settings = TrainingSettings(epochs=1, batch_size=20, inputs=inputs)
        result = fit(three, make_split(FEATURES.astype(np.float32)), hyperparameters(0.1), settings)
        assert result.weights.shape == (1, 1, 3, expected)


def test_make_inputs_of_features_that_are_scaled_like_pixels_is_the_same_training():
    settings = TrainingSettings(epochs=2, batch_size=20)
    pixels = fit(three, make_split(PIXELS), hyperparameters(0.1), settings)
    ready = np.asarray(make_inputs(jnp.asarray(PIXELS)))
    as_given = TrainingSettings(epochs=2, batch_size=20, inputs=identity)
    features = fit(three, make_split(ready), hyperparameters(0.1), as_given)
    np.testing.assert_allclose(features.weights, pixels.weights, rtol=1e-5, atol=1e-6)


@given(st.data())
def test_a_split_of_arrays_selects_as_that_of_mnist(data: st.DataObject):
    train, validation = (
        Examples(
            RNG.integers(0, 256, (n, 4), dtype=np.uint8), RNG.integers(0, 10, n, dtype=np.int32)
        )
        for n in (30, 20)
    )
    options: dict[str, Any] = {
        "train_size": data.draw(st.integers(1, 30)),
        "validation_size": data.draw(st.integers(1, 20)),
        "selection": data.draw(st.sampled_from(["sequential", "stochastic"])),
        "seed": data.draw(st.integers(0, 99)),
    }
    made = Split.of(*train, *validation, **options)
    expected = split(Mnist(train, validation), **options)
    for ours, theirs in zip(made, expected, strict=True):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)


def test_a_split_of_arrays_takes_everything_by_default():
    made = make_split(FEATURES, LABELS.astype(np.int64))
    np.testing.assert_array_equal(made.train.images, FEATURES[:200])
    assert made.train.labels.dtype == np.int32
    assert len(made.validation.labels) == 100
    two = Split.of(PIXELS, LABELS, PIXELS, LABELS, digits=(2, 0))
    assert len(two.train.labels) == np.isin(LABELS, (0, 2)).sum()
    assert two.train.labels.sum() == (LABELS == 2).sum()


def with_nan() -> np.ndarray:
    images = FEATURES.copy()
    images[[7, 9], 2] = np.nan, np.inf
    return images


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (FEATURES.tolist(), LABELS, r"training images are a list; give a NumPy array: np.asarray"),
        (FEATURES, LABELS.tolist(), "training labels are a list"),
        (FEATURES.reshape(-1, 5, 1), LABELS, r"\(200, 5, 1\); .*images.reshape\(len\(images\), -1"),
        (FEATURES.ravel(), LABELS, r"shape \(200,\); give a row for each image"),
        (PIXELS.astype(int), LABELS, r"images are int64; .*uint8.*astype\(np.float32\)"),
        (PIXELS > 9, LABELS, "images are bool; give pixels"),
        (FEATURES, np.eye(3)[LABELS], r"labels have shape \(200, 3\).*argmax\(axis=1\)"),
        (FEATURES, LABELS[:, None], r"labels have shape \(200, 1\).*ravel"),
        (FEATURES, LABELS.astype(float), r"labels are float64.*astype\(np.int32\)"),
        (FEATURES, LABELS.astype(str), "labels are <U"),
        (FEATURES, LABELS - 1, "labels run from -1 to 1; number the classes from 0"),
        (with_nan(), LABELS, "2 of 200 training images hold NaN or infinity, the first in row 7"),
        (FEATURES[:0], LABELS[:0], "there are no training images"),
    ],
)
def test_invalid_arrays_are_refused(images: Any, labels: Any, message: str):
    with pytest.raises(UsageError, match=message):
        make_split(images, labels)
    # also without Split.of
    examples = Examples(images[:200], labels[:200])
    settings = TrainingSettings(inputs=identity, batch_size=20)
    with pytest.raises(UsageError, match=message):
        fit(three, Split(examples, examples), hyperparameters(0.1), settings)


def test_as_many_labels_as_images():
    with pytest.raises(UsageError, match="there are 200 training images, but 199 training labels"):
        Split.of(FEATURES[:200], LABELS[:199], FEATURES, LABELS)
    with pytest.raises(UsageError, match="there are 300 validation images, but 1 validation label"):
        Split.of(FEATURES, LABELS, FEATURES, LABELS[:1])


@pytest.mark.parametrize(
    ("model", "images", "labels", "message"),
    [
        (
            three,
            FEATURES,
            LABELS,
            "images are float64, but only uint8 is scaled.*identity",
        ),
        (
            three,
            PIXELS,
            LABELS + 1,
            "labels run from 1 to 3, but .* model are 0 to 2",
        ),
        (logistic, PIXELS, LABELS, r"0 to 2, but .* 0 to 1: .*softmax_regression\(3\)"),
        (softmax_regression(12), PIXELS, LABELS, "no training example has the label 3, 4, 5"),
        (three, PIXELS, 2 * (LABELS % 2), "no training example has the label 1,"),
        (logistic, PIXELS, 0 * LABELS, "no training example has the label 1,"),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused(
    model: Any, images: np.ndarray, labels: np.ndarray, message: str
):
    with pytest.raises(UsageError, match=message):
        fit(
            model, make_split(images, labels), hyperparameters(0.1), TrainingSettings(batch_size=20)
        )


def test_both_sets_must_be_alike():
    settings = TrainingSettings(batch_size=20, inputs=identity)
    for validation, message in (
        (FEATURES[:, :4], "5 columns, but validation images have 4"),
        (PIXELS, "float64, but validation images are uint8"),
    ):
        with pytest.raises(UsageError, match=message):
            fit(
                three,
                Split.of(FEATURES, LABELS, validation, LABELS),
                hyperparameters(0.1),
                settings,
            )


def test_numbers_that_a_precision_cannot_hold_are_refused():
    large = FEATURES * 1e39
    settings = TrainingSettings(batch_size=20, inputs=identity)
    with pytest.raises(UsageError, match=r"training images reach \d.*e\+39, too large for float32"):
        fit(three, make_split(large), hyperparameters(0.1), settings)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("adam", "optimizer is 'adam', which is not a function. Pass .*optax.adam itself"),
        (optax.adam(1e-3), "optimizer is an optax transformation, its learning rate fixed. Pass"),
        (optax.chain(optax.clip(1.0), optax.sgd(0.1)), "its learning rate fixed"),
        (0.001, "optimizer is 0.001, which is not a function"),
        (None, "optimizer is None"),
    ],
)
def test_an_optimizer_that_is_no_function_is_refused(optimizer: Any, message: str):
    with pytest.raises(UsageError, match=message):
        TrainingSettings(optimizer=optimizer)


def test_an_optimizer_that_makes_no_transformation_is_refused():
    settings = TrainingSettings(batch_size=20, optimizer=optax.constant_schedule)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"optimizer returns a function, not an optax"):
        fit(three, make_split(PIXELS), hyperparameters(0.1), settings)


def test_inputs_that_are_no_function_are_refused():
    with pytest.raises(UsageError, match="inputs is 'identity', which is not a function"):
        TrainingSettings(inputs="identity")  # type: ignore[arg-type]


def test_settings_that_differ_in_epochs_differ():
    short, long = TrainingSettings(epochs=1), TrainingSettings(epochs=2)
    assert short != long
    assert short.compiled == long.compiled
    assert re.search("epochs=2", repr(long))
