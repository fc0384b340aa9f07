"""Conversion of images to inputs, and of labels to one-hot targets."""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Integer, Real, UInt8


def normalize(
    images: UInt8[Array, "*batch pixels"], dtype: DTypeLike = jnp.float32
) -> Float[Array, "*batch pixels"]:
    r"""Maps pixels from 0..255 to [-1, 1]: $x = p / 127.5 - 1$.

    Args:
        images: Pixels as uint8, with any leading axes.
        dtype: Floating-point dtype of the result.

    Returns:
        The pixels scaled to [-1, 1].

    Example:
        >>> normalize(jnp.array([0, 255], jnp.uint8)).tolist()
        [-1.0, 1.0]
    """
    return images.astype(dtype) / 127.5 - 1


def identity(
    features: Real[Array, "*batch features"], dtype: DTypeLike = jnp.float32
) -> Float[Array, "*batch features"]:
    """Uses features as inputs unchanged, without scaling or bias.

    Args:
        features: Features, with any leading axes.
        dtype: Floating-point dtype of the result.

    Returns:
        The features.

    Example:
        >>> identity(jnp.array([[0.5, -1.0]])).tolist()
        [[0.5, -1.0]]
    """
    return features.astype(dtype)


def append_bias(
    inputs: Real[Array, "*batch features"], dtype: DTypeLike | None = None
) -> Float[Array, "*batch features_and_one"]:
    """Appends a constant 1, so that the last weight of each class is its bias (the bias trick).

    Args:
        inputs: Features, with any leading axes.
        dtype: Floating-point dtype of the result; None for that of the features.

    Returns:
        The features followed by 1.

    Example:
        >>> append_bias(jnp.array([0.5, -1.0])).tolist()
        [0.5, -1.0, 1.0]
    """
    inputs = inputs if dtype is None else inputs.astype(dtype)
    return jnp.concatenate([inputs, jnp.ones((*inputs.shape[:-1], 1), inputs.dtype)], axis=-1)


def make_inputs(
    images: UInt8[Array, "*batch pixels"], dtype: DTypeLike = jnp.float32
) -> Float[Array, "*batch inputs"]:
    """Returns the inputs x of the report: normalised pixels, then the constant 1.

    Args:
        images: Pixels as uint8, with any leading axes; 784 of them on MNIST.
        dtype: Floating-point dtype of the result.

    Returns:
        The inputs; 785 of them on MNIST.

    Example:
        >>> make_inputs(jnp.array([[0, 255]], jnp.uint8)).tolist()
        [[-1.0, 1.0, 1.0]]
    """
    return append_bias(normalize(images, dtype))


def one_hot(
    labels: Integer[Array, "*batch"], num_classes: int, dtype: DTypeLike = jnp.float32
) -> Float[Array, "*batch classes"]:
    r"""One-hot targets: $y_k = 1$ where k is the label, else 0, so that $\sum_k y_k = 1$.

    Args:
        labels: Class indices in 0..num_classes - 1.
        num_classes: Number K of classes.
        dtype: Floating-point dtype of the result.

    Returns:
        The targets, one row of length K for each label.

    Example:
        >>> one_hot(jnp.array([2, 0]), 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    return jax.nn.one_hot(labels, num_classes, dtype=dtype)
