"""`jax.test_util.check_grads` of a `custom_vjp` whose backward pass is the gradient."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from experiments.controls.peers.subject import Peer, Subject


def _passes(subject: Subject, threshold: float, dtype: type[np.floating[Any]]) -> bool:
    with jax.enable_x64(dtype is np.float64):
        try:
            point = (jnp.asarray(subject.point, dtype),)
            check_grads(_with_backward(subject), point, 1, ["rev"], atol=threshold, rtol=threshold)
        except AssertionError:
            return False
    return True


def _with_backward(subject: Subject) -> Any:
    function = jax.custom_vjp(subject.value)

    def forward(vector: Any) -> tuple[Any, Any]:
        # no transformation is active here, so the gradient may use NumPy
        return subject.value(vector), jnp.asarray(
            subject.gradient(np.asarray(vector)), vector.dtype
        )

    function.defvjp(forward, lambda gradient, cotangent: (cotangent * gradient,))
    return function


CHECK_GRADS = (
    Peer(
        "check_grads, float32",
        partial(_passes, dtype=np.float32),
        2e-3,
        (2e-4, 2e-2),
        "its own default for float32",
    ),
    Peer(
        "check_grads, float64",
        partial(_passes, dtype=np.float64),
        1e-5,
        (1e-7, 1e-3),
        "its own default for float64",
    ),
)
