"""Logistic and softmax regression on MNIST, with hand-derived gradients checked by autodiff.

Each module is imported at its first use, so that commands start quickly. `mnist_jax.plotting` and
`mnist_jax.results`, which draw and write, must be imported explicitly.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

__version__ = "0.1.0"

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


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
