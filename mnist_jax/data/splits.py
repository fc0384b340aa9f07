"""Splits into training and validation examples, of MNIST as in the report or of arrays."""

from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float64, Int32

from mnist_jax.data.examples import Examples, check_examples
from mnist_jax.data.mnist import Mnist
from mnist_jax.errors import UsageError

Selection = Literal["sequential", "stochastic"]
"""Selection of validation images: the last test images in file order, or random ones."""


class Split(NamedTuple):
    """Training and validation examples."""

    train: Examples
    validation: Examples

    @classmethod
    def of(
        cls,
        train_images: np.ndarray,
        train_labels: np.ndarray,
        validation_images: np.ndarray,
        validation_labels: np.ndarray,
        *,
        train_size: int | None = None,
        validation_size: int | None = None,
        selection: Selection = "sequential",
        digits: tuple[int, int] | None = None,
        seed: int = 0,
    ) -> "Split":
        """Makes a split from arrays; the options choose examples as `split` does from MNIST.

        Args:
            train_images: Training images, (N, features): uint8 pixels from 0 to 255, or
                floating-point features, which `TrainingSettings.inputs` converts to inputs.
            train_labels: Classes of the training images, integers from 0, (N,).
            validation_images: Validation images, (V, features).
            validation_labels: Classes of the validation images, (V,).
            train_size: Number of training images, the first ones; None for all.
            validation_size: Number of validation images; None for all.
            selection: Selection of validation images: `"sequential"` for the last ones,
                `"stochastic"` for random ones.
            digits: Pair `(a, b)` of classes to keep, with label 1 for a and 0 for b.
            seed: Seed of the draw.

        Returns:
            The split.

        Raises:
            UsageError: If an array is invalid, or an option is out of range.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> images, labels = rng.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2])
            >>> parts = Split.of(images[:4], labels[:4], images[4:], labels[4:])
            >>> parts.train.images.shape, parts.validation.labels.tolist()
            ((4, 3), [1, 2])
        """
        train = _examples("training", train_images, train_labels)
        validation = _examples("validation", validation_images, validation_labels)
        return split(
            Mnist(train, validation),
            train_size=len(train.labels) if train_size is None else train_size,
            validation_size=len(validation.labels) if validation_size is None else validation_size,
            selection=selection,
            digits=digits,
            seed=seed,
        )


def split(
    mnist: Mnist,
    *,
    train_size: int = 18_000,
    validation_size: int = 2_000,
    selection: Selection = "sequential",
    digits: tuple[int, int] | None = None,
    seed: int = 0,
) -> Split:
    """Splits MNIST as the report does.

    The training set is the first ``train_size`` training images. The validation set comes from
    the test images. Two digits are selected last, so the sizes count images of every digit.

    Args:
        mnist: Data set to split.
        train_size: Number of training images, before ``digits``.
        validation_size: Number of validation images, before ``digits``.
        selection: Selection of validation images: ``"sequential"`` for the last test images in file
            order, ``"stochastic"`` for test images drawn without replacement.
        digits: Pair ``(a, b)`` of digits to keep, with label 1 for a and 0 for b; None for all
            digits, with labels 0 to 9.
        seed: Seed of the draw; it has no effect on a sequential selection.

    Returns:
        Training and validation examples.

    Raises:
        UsageError: If an argument is out of range, or no image shows one of these digits.

    Example:
        >>> examples = Examples(np.zeros((6, 784), np.uint8), np.array([2, 3, 1] * 2, np.int32))
        >>> parts = split(Mnist(examples, examples), train_size=2, validation_size=4, digits=(2, 3))
        >>> parts.train.labels, parts.validation.labels
        (array([1, 0], dtype=int32), array([1, 0], dtype=int32))
    """
    _check_size("train_size", train_size, len(mnist.train.labels))
    _check_size("validation_size", validation_size, len(mnist.test.labels))
    rows = _validation_rows(len(mnist.test.labels), validation_size, selection, seed)
    train = _take(mnist.train, slice(train_size))
    validation = _take(mnist.test, rows)
    if digits is None:
        return Split(train, validation)
    return Split(select_digits(train, digits), select_digits(validation, digits))


def select_digits(examples: Examples, digits: tuple[int, int]) -> Examples:
    """Keeps the images of two digits, in order, for a binary classifier.

    Args:
        examples: Examples with labels 0 to 9.
        digits: Pair ``(a, b)``, with label 1 for a and 0 for b.

    Returns:
        The images of a and b.

    Raises:
        UsageError: If ``digits`` are not two different digits, or no image shows one of them.
    """
    check_digits(digits)
    selected = _take(examples, np.isin(examples.labels, digits))
    if not len(selected.labels):
        raise UsageError(
            f"digits={digits!r}: none of the {len(examples.labels)} images shows one of them; "
            "take more images or other digits"
        )
    return selected._replace(labels=(selected.labels == digits[0]).astype(np.int32))


def check_digits(digits: tuple[int, int]) -> None:
    """Raises a UsageError unless these are two different digits."""
    if len(digits) != 2 or len(set(digits)) != 2 or not set(digits) <= set(range(10)):
        raise UsageError(f"digits={digits!r}: give two different digits from 0 to 9")


def class_shares(
    labels: Int32[np.ndarray, " n"], num_classes: int = 10
) -> Float64[np.ndarray, " num_classes"]:
    """Computes the share of each class among the examples.

    Args:
        labels: Classes, from 0 to ``num_classes - 1``.
        num_classes: Number of classes.

    Returns:
        Percentages, which sum to 100.

    Raises:
        UsageError: If there are no labels.

    Example:
        >>> class_shares(np.array([0, 1, 1, 1], np.int32), num_classes=3)
        array([25., 75.,  0.])
    """
    if not len(labels):
        raise UsageError("an empty set has no class shares; give at least one label")
    return 100 * np.bincount(labels, minlength=num_classes) / len(labels)


def _examples(name: str, images: np.ndarray, labels: np.ndarray) -> Examples:
    check_examples(name, Examples(images, labels))
    return Examples(np.asarray(images), np.asarray(labels, np.int32))


def _take(examples: Examples, rows: slice | np.ndarray) -> Examples:
    return Examples(examples.images[rows], examples.labels[rows])


def _validation_rows(available: int, size: int, selection: str, seed: int) -> slice | np.ndarray:
    if selection == "sequential":
        return slice(available - size, available)
    if selection == "stochastic":
        if seed < 0:
            raise UsageError(f"seed={seed}: give a seed of 0 or more")
        return np.random.default_rng(seed).choice(available, size, replace=False)
    raise UsageError(f"selection={selection!r}: choose one of {', '.join(get_args(Selection))}")


def _check_size(name: str, size: int, available: int) -> None:
    if not 1 <= size <= available:
        raise UsageError(f"{name}={size}: give a size from 1 to {available}, the images available")
