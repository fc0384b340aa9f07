"""The check that courses teach: central differences at ten random coordinates."""

import jax
import numpy as np

from experiments.controls.peers.subject import Peer, Subject

STEP, COORDINATES = 1e-5, 10


def _passes(subject: Subject, threshold: float) -> bool:
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


TEN_COORDINATES = Peer(
    "ten coordinates",
    _passes,
    1e-5,
    (1e-7, 1e-4, 1e-2),
    "between what courses call surely right (1e-7) and probably wrong (1e-2): a smooth loss in "
    "float64 gives 1e-9 or so",
)
