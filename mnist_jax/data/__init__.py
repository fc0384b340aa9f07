"""MNIST as NumPy arrays in the original file order, and the report's split of it."""

from mnist_jax.data.examples import Examples
from mnist_jax.data.files import DataError, IdxFile
from mnist_jax.data.known import MNIST_FILES, DataSetName
from mnist_jax.data.mnist import Mnist, Source, load
from mnist_jax.data.splits import (
    Selection,
    Split,
    check_digits,
    class_shares,
    select_digits,
    split,
)

__all__ = [
    "MNIST_FILES",
    "DataError",
    "DataSetName",
    "Examples",
    "IdxFile",
    "Mnist",
    "Selection",
    "Source",
    "Split",
    "check_digits",
    "class_shares",
    "load",
    "select_digits",
    "split",
]
