"""The claims of tasks 1a, 1b and 4a: the three gradients."""

from functools import partial

from experiments import reported
from experiments.common.claims import Condition, Measured, claim
from experiments.common.words import scientific
from experiments.task1_gradients.metrics import Task1Metrics


def gradient(task: str, metrics: Task1Metrics) -> Measured:
    """Whether a gradient is the derivative of its loss."""
    worst = metrics["gradients"][task]
    largest = ", ".join(f"{scientific(n['relative'])} in {name}" for name, n in worst.items())
    # what is wrong in float64 is wrong; in float32 alone, it may only lose digits
    conditions = (
        Condition(f"passes every check in {name}", n["passes"], decisive=name == "float64")
        for name, n in worst.items()
    )
    return Measured(f"largest relative error {largest}", tuple(conditions))


ABOUT = (
    "Each gradient is compared at zero weights, where training starts, and where it ends, on the "
    "first batches of real images in file order. The error quoted is that of the worst coordinate, "
    "relative to the largest one, against autodiff in float64: in float32 it is the error of the "
    "whole computation, not the difference of two that err alike."
)

CLAIMS = tuple(
    claim(
        statement,
        needs=("batch_size", "gradients"),
        evidence="1_errors.png",
        numbers=tuple(f"gradients/{task}/*/{name}" for name in ("passes", "failed", "relative")),
        alone={"gradients": (task,)},
        errors=(f"gradients/{task}/*/relative",),
        about=ABOUT if task == next(iter(reported.GRADIENTS)) else "",
    )(partial(gradient, task))
    for task, statement in reported.GRADIENTS.items()
)
