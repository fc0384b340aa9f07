"""Inputs and one-hot targets, against numbers worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mnist_jax.features import append_bias, make_inputs, normalize, one_hot

both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


@both_precisions
def test_every_pixel_value_is_scaled_to_its_place_between_minus_one_and_one(dtype: str):
    with jax.enable_x64(dtype == "float64"):
        scaled = np.asarray(normalize(jnp.arange(256, dtype=jnp.uint8), jnp.dtype(dtype)))
    assert scaled.dtype == dtype
    exact = (2 * np.arange(256) - 255) / 255
    np.testing.assert_allclose(scaled, exact, rtol=0, atol=float(2 * np.finfo(dtype).eps))
    if jax.default_backend() == "cpu":  # a GPU divides less accurately
        assert (scaled[0], scaled[-1]) == (-1, 1)


@given(st_numpy.arrays(np.uint8, st.sampled_from([(3,), (2, 3), (2, 1, 3)])))
def test_inputs_are_the_pixels_in_their_order_and_then_a_one(images: np.ndarray):
    inputs = make_inputs(jnp.asarray(images))
    assert inputs.shape == (*images.shape[:-1], 4)
    np.testing.assert_allclose((inputs[..., :-1] + 1) * 127.5, images, rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(inputs[..., -1], 1)


@both_precisions
def test_the_bias_leaves_the_features_and_their_dtype_alone(dtype: str):
    with jax.enable_x64(dtype == "float64"):
        inputs = append_bias(jnp.asarray([[0.25, -3.0], [7.0, 0.0]], dtype))
    expected = np.array([[0.25, -3.0, 1.0], [7.0, 0.0, 1.0]], dtype)
    np.testing.assert_array_equal(inputs, expected, strict=True)


@both_precisions
def test_the_image_of_an_mnist_digit_has_785_inputs(dtype: str):
    with jax.enable_x64(dtype == "float64"):
        inputs = make_inputs(jnp.zeros((2, 784), jnp.uint8), jnp.dtype(dtype))
    assert (inputs.shape, inputs.dtype) == ((2, 785), dtype)


@both_precisions
@pytest.mark.parametrize("shape", [(), (6,), (2, 3)])
@given(data=st.data())
def test_one_hot_rows_have_their_one_at_the_label(
    data: st.DataObject, shape: tuple[int, ...], dtype: str
):
    labels = data.draw(st_numpy.arrays(np.int32, shape, elements=st.integers(0, 9)))
    with jax.enable_x64(dtype == "float64"):
        targets = one_hot(jnp.asarray(labels), 10, jnp.dtype(dtype))
    np.testing.assert_array_equal(targets, np.eye(10, dtype=dtype)[labels], strict=True)
