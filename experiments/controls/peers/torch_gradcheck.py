"""`torch.autograd.gradcheck` of a function whose backward pass is the gradient."""

# pyright: reportMissingImports=false
# (torch comes with the controls extra, which the tests do without)

from typing import Any

import jax
import numpy as np

from experiments.controls.peers.subject import Peer, Subject


def _passes(subject: Subject, threshold: float) -> bool:
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


TORCH_GRADCHECK = Peer(
    "torch gradcheck",
    _passes,
    1e-3,
    (1e-5, 1e-4, 1e-2),
    "its own default: rtol 1e-3, atol 1e-5",
    "torch",
)
