"""Logistic and softmax regression on MNIST, with hand-derived gradients checked by autodiff.

`mnist_jax.plotting` and `mnist_jax.results`, which draw and write, are imported on their own.
"""

__version__ = "0.1.0"

from mnist_jax import (
    curvature,
    data,
    derivation,
    errors,
    features,
    gradcheck,
    gradients,
    losses,
    models,
    sweeps,
    training,
)

__all__ = [
    "curvature",
    "data",
    "derivation",
    "errors",
    "features",
    "gradcheck",
    "gradients",
    "losses",
    "models",
    "sweeps",
    "training",
]
