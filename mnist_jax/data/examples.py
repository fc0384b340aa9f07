"""Images with their labels, and their validation."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int32, UInt8

from mnist_jax.errors import UsageError


class Examples(NamedTuple):
    """Images with their labels, in order.

    Attributes:
        images: Rows, one for each image: uint8 pixels from 0 to 255, or floating-point features.
        labels: Classes, the digits or any others, numbered from 0.
    """

    images: UInt8[np.ndarray, "n features"] | Float[np.ndarray, "n features"]
    labels: Int32[np.ndarray, " n"]


def check_examples(name: str, examples: Examples) -> None:
    """Raises a UsageError unless examples have the right types and shapes, and finite numbers."""
    images, labels = examples
    for kind, array in (("images", images), ("labels", labels)):
        if not isinstance(array, np.ndarray | jax.Array):
            raise UsageError(
                f"the {name} {kind} are a {type(array).__name__}; give a NumPy array: "
                f"np.asarray({kind})."
            )
    _check_images(name, np.asarray(images))
    _check_labels(name, np.asarray(labels))
    if len(images) != len(labels):
        raise UsageError(
            f"there are {len(images)} {name} images, but {len(labels)} {name} labels; give one "
            "label for each image."
        )
    if not len(images):
        raise UsageError(f"there are no {name} images; give at least one.")


def _check_images(name: str, images: np.ndarray) -> None:
    if images.ndim != 2:
        raise UsageError(
            f"the {name} images have shape {images.shape}; give a row for each image: "
            "images.reshape(len(images), -1)."
        )
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise UsageError(
            f"the {name} images are {images.dtype}; give pixels from 0 to 255 as uint8 "
            "(images.astype(np.uint8)) and other features as floating-point numbers "
            "(images.astype(np.float32))."
        )
    finite = np.isfinite(images).all(axis=1)
    if not finite.all():
        raise UsageError(
            f"{np.sum(~finite)} of {len(images)} {name} images hold NaN or infinity, the first in "
            f"row {np.argmin(finite)}; replace them or remove their rows: images[np.isfinite("
            "images).all(axis=1)], and the same rows of the labels."
        )


def _check_labels(name: str, labels: np.ndarray) -> None:
    if labels.ndim != 1:
        raise UsageError(
            f"the {name} labels have shape {labels.shape}; give one integer for each image: "
            "labels.argmax(axis=1) if they are one-hot, labels.ravel() if they are a column."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise UsageError(
            f"the {name} labels are {labels.dtype}; give the number of each image's class, "
            "counted from 0, as an integer: labels.astype(np.int32)."
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < 2**31:
        raise UsageError(
            f"the {name} labels run from {labels.min()} to {labels.max()}; number the classes "
            "from 0: np.unique(labels, return_inverse=True)."
        )
