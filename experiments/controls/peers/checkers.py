"""The other checkers, each asked as its users ask it.

They are `jax.test_util.check_grads` and `torch.autograd.gradcheck` of a function whose backward
pass is the gradient, `scipy.optimize.check_grad`, and the check that courses teach: central
differences at ten random coordinates.
"""

# pyright: reportMissingImports=false
# (torch comes with the controls extra, which the tests do without)

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jax.test_util import check_grads

from experiments.controls.peers.subject import Subject

STEP, COORDINATES = 1e-5, 10
"""Step and number of the central differences that courses teach."""


class Peer(NamedTuple):
    """Another checker."""

    name: str  # name of the checker
    # function from (subject, threshold) to its verdict; an exception counts as a failure
    passes: Callable[[Subject, float], bool]
    threshold: float  # threshold of the verdict
    others: tuple[float, ...]  # other thresholds
    reason: str  # reason for the threshold
    package: str = ""  # optional package that the checker needs


def by_jax(subject: Subject, threshold: float, dtype: type[np.floating[Any]]) -> bool:
    """Asks `jax.test_util.check_grads` in a dtype."""
    function = jax.custom_vjp(subject.value)

    def forward(vector: Any) -> tuple[Any, Any]:
        # no transformation is active here, so the gradient may use NumPy
        gradient = subject.gradient(np.asarray(vector))
        return subject.value(vector), jnp.asarray(gradient, vector.dtype)

    function.defvjp(forward, lambda gradient, cotangent: (cotangent * gradient,))
    with jax.enable_x64(dtype is np.float64):
        try:
            point = (jnp.asarray(subject.point, dtype),)
            check_grads(function, point, 1, ["rev"], atol=threshold, rtol=threshold)
        except AssertionError:
            return False
    return True


def by_scipy(subject: Subject, threshold: float) -> bool:
    """Asks `scipy.optimize.check_grad`, with an error relative to the norm of the gradient."""
    with jax.enable_x64(True):
        value, point = subject.compiled(), subject.point
        error = scipy.optimize.check_grad(lambda x: float(value(x)), subject.gradient, point)
        return bool(error <= threshold * np.linalg.norm(subject.gradient(point)))


def by_torch(subject: Subject, threshold: float) -> bool:
    """Asks `torch.autograd.gradcheck`."""
    import torch

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, vector: Any) -> Any:
            context.save_for_backward(vector)
            return torch.tensor(float(value(vector.detach().numpy())), dtype=torch.float64)

        @staticmethod
        def backward(context: Any, *cotangents: Any) -> Any:
            [vector] = context.saved_tensors
            return cotangents[0] * torch.tensor(subject.gradient(vector.detach().numpy()))

    with jax.enable_x64(True):
        value = subject.compiled()
        point = torch.tensor(np.array(subject.point), requires_grad=True)
        return torch.autograd.gradcheck(
            Loss.apply, (point,), atol=threshold / 100, rtol=threshold, raise_exception=False
        )


def at_ten_coordinates(subject: Subject, threshold: float) -> bool:
    """Compares with central differences at ten random coordinates."""
    with jax.enable_x64(True):
        value = subject.compiled()
        gradient, size = subject.gradient(subject.point), len(subject.point)
        drawn = np.random.default_rng(0).choice(size, min(COORDINATES, size), replace=False)
        for index in drawn:
            step = STEP * np.eye(1, size, index)[0]
            ahead, behind = float(value(subject.point + step)), float(value(subject.point - step))
            slope = (ahead - behind) / (2 * STEP)
            scale = max(abs(slope) + abs(gradient[index]), 1e-8)
            if not abs(slope - gradient[index]) <= threshold * scale:
                return False
    return True


PEERS = (
    Peer(
        *("check_grads, float32", partial(by_jax, dtype=np.float32), 2e-3, (2e-4, 2e-2)),
        "its own default for float32",
    ),
    Peer(
        *("check_grads, float64", partial(by_jax, dtype=np.float64), 1e-5, (1e-7, 1e-3)),
        "its own default for float64",
    ),
    Peer(
        *("scipy check_grad", by_scipy, 1e-5, (1e-7, 1e-6, 1e-4, 1e-3)),
        "it returns an absolute error and judges nothing; forward differences with its step of "
        "1.5e-8 have a relative error near 1e-8, and a thousand times that is allowed",
    ),
    Peer(
        *("torch gradcheck", by_torch, 1e-3, (1e-5, 1e-4, 1e-2)),
        "its own default: rtol 1e-3, atol 1e-5",
        "torch",
    ),
    Peer(
        *("ten coordinates", at_ten_coordinates, 1e-5, (1e-7, 1e-4, 1e-2)),
        "between what courses call surely right (1e-7) and probably wrong (1e-2): a smooth loss in "
        "float64 gives 1e-9 or so",
    ),
)


def missing() -> list[str]:
    """Returns the checkers whose packages are not installed."""
    return [peer.name for peer in PEERS if peer.package and not find_spec(peer.package)]
