"""`scipy.optimize.check_grad`, with an error relative to the norm of the gradient."""

import jax
import numpy as np
import scipy

from experiments.controls.peers.subject import Peer, Subject


def _passes(subject: Subject, threshold: float) -> bool:
    with jax.enable_x64(True):
        value = subject.compiled()
        error = scipy.optimize.check_grad(
            lambda x: float(value(x)), subject.gradient, subject.point
        )
        return bool(error <= threshold * np.linalg.norm(subject.gradient(subject.point)))


SCIPY_CHECK_GRAD = Peer(
    "scipy check_grad",
    _passes,
    1e-5,
    (1e-7, 1e-6, 1e-4, 1e-3),
    "it returns an absolute error and judges nothing; forward differences with its step of 1.5e-8 "
    "have a relative error near 1e-8, and a thousand times that is allowed",
)
