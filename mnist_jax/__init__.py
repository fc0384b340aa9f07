"""Logistic and softmax regression on MNIST, with hand-derived gradients checked by autodiff."""

from mnist_jax import data, errors, features, gradcheck, gradients, losses, models, sweeps, training

__all__ = [
    "data",
    "errors",
    "features",
    "gradcheck",
    "gradients",
    "losses",
    "models",
    "sweeps",
    "training",
]
