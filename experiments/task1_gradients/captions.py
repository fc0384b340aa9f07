"""The captions of task 1, and what its numbers mean."""

from experiments.common.captions import Caption, Numbers, shown
from experiments.common.words import listed
from experiments.task1_gradients.errors import Pair
from experiments.task1_gradients.metrics import Task1Metrics

MEANING = (
    "The hand-derived gradients agree with autodiff and with differences of the loss on real "
    "images, wherever they are checked. Some printed lines of the derivations contain slips, but "
    "each can be corrected, and the resulting gradients are right."
)


def coordinate_numbers(metrics: Task1Metrics) -> Numbers:
    """The largest error of each pair, and the coordinates that are equal in float64."""
    errors = metrics["errors"]
    found = {
        pair: {task: error["by_coordinate"][pair] for task, error in errors.items()}
        for pair in Pair
    }
    return {
        f"largest error, {pair.replace(':', ',')}": listed(
            f"{shown(error['largest'], '{:.0e}' if error['largest'] else '0') or 'not finite'}"
            f" ({task})"
            for task, error in by_task.items()
        )
        for pair, by_task in found.items()
    } | {
        "coordinates that are equal in float64": listed(
            f"{error['equal']:.0%} ({task})" for task, error in found[Pair.BETWEEN].items()
        )
    }


def step_numbers(metrics: Task1Metrics) -> Numbers:
    """The least error of a central difference, and its step."""
    best = [
        (precision, task, error)
        for task, errors in metrics["errors"].items()
        for precision, error in errors["central_differences"].items()
    ]
    return {
        f"least error of {task} in {precision}": error
        and f"{error['relative']:.0e} at step {error['step']:.0e}"
        for precision, task, error in best
    }


CAPTIONS = {
    "1_errors": Caption(
        title="Errors of the gradients, coordinate by coordinate",
        shows="Histograms of the relative error of every coordinate on one batch at trained "
        "weights, a column for each gradient. In float32 both gradients are compared with autodiff "
        "in float64; in float64 they are compared with each other.",
        numbers=coordinate_numbers,
        meaning="In float32 the hand-derived gradient is as accurate as autodiff.",
    ),
    "1_steps": Caption(
        title="Why differences alone do not settle it",
        shows="Relative error of the central difference over its step, on logarithmic axes, a "
        "panel for each gradient and a curve for each precision. Ball arithmetic has no "
        "roundoff: its error falls with the square of the step.",
        numbers=step_numbers,
        meaning="Even at its best step, a difference in float64 is less accurate than derivation "
        "and autodiff agree: it cannot detect errors in their last digits.",
    ),
}
