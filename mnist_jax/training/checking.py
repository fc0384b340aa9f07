"""Validation of the examples against the model and the settings, before compilation."""

import numpy as np
from jaxtyping import Int

from mnist_jax.data import Split
from mnist_jax.data.examples import check_examples
from mnist_jax.errors import UsageError
from mnist_jax.features import make_inputs
from mnist_jax.models import Model
from mnist_jax.training.settings import INPUTS_HINT, TrainingSettings


def check_data(model: Model, settings: TrainingSettings, split: Split) -> None:
    """Raises a UsageError if examples are invalid, or do not fit the model and the settings."""
    named = {"training": split.train, "validation": split.validation}
    for name, examples in named.items():
        check_examples(name, examples)
        _check_inputs(name, settings, np.asarray(examples.images))
    _check_features(np.asarray(split.train.images), np.asarray(split.validation.images))
    if model.num_classes is not None:
        for name, examples in named.items():
            _check_labels(name, np.asarray(examples.labels), model.num_classes)
        _check_every_class(np.asarray(split.train.labels), model.num_classes)


def _check_inputs(name: str, settings: TrainingSettings, images: np.ndarray) -> None:
    if images.dtype == np.uint8:
        return
    if settings.inputs is make_inputs:
        raise UsageError(
            f"the {name} images are {images.dtype}, but only uint8 is scaled as pixels from 0 to "
            f"255. {INPUTS_HINT} If they are pixels from 0 to 255, give images.astype(np.uint8)."
        )
    largest = np.max(np.abs(images))
    if largest > np.finfo(settings.precision).max:
        raise UsageError(
            f"the {name} images reach {largest}, too large for {settings.precision}: scale them, "
            "or give TrainingSettings(precision='float64')."
        )


def _check_features(train: np.ndarray, validation: np.ndarray) -> None:
    if train.shape[1] != validation.shape[1]:
        raise UsageError(
            f"training images have {train.shape[1]} columns, but validation images have "
            f"{validation.shape[1]}: give both the same features."
        )
    if (train.dtype == np.uint8) != (validation.dtype == np.uint8):
        raise UsageError(
            f"training images are {train.dtype}, but validation images are {validation.dtype}: "
            "give both as pixels, or both as floating-point numbers."
        )


def _check_labels(name: str, labels: Int[np.ndarray, " N"], num_classes: int) -> None:
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= num_classes:
        raise UsageError(
            f"the {name} labels run from {lowest} to {highest}, but the labels of the model are 0 "
            f"to {num_classes - 1}: select or renumber the classes (split(..., digits=(a, b)) "
            f"makes two of them 1 and 0), or use a model of {max(highest, 1) + 1} classes, "
            f"softmax_regression({max(highest, 1) + 1})."
        )


def _check_every_class(labels: Int[np.ndarray, " N"], num_classes: int) -> None:
    missing = np.flatnonzero(np.bincount(labels, minlength=num_classes) == 0)
    if len(missing):
        raise UsageError(
            f"no training example has the label {', '.join(map(str, missing))}, but the model has "
            f"the labels 0 to {num_classes - 1}: give examples of every class, or use a model of "
            "fewer classes and number them from 0."
        )
