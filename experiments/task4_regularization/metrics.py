"""The numbers of task 4, from its runs."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from experiments.common.runs import RunMetrics, ScheduleMetrics, run_metrics, schedule_metrics
from mnist_jax.training import TrainingResult


class PenalizedMetrics(RunMetrics):
    """Numbers of the run with one factor of the penalty."""

    total_variation_over_size: float | None


class Task4Metrics(ScheduleMetrics):
    """Contents of task 4's metrics.json; runs are named by their factor."""

    runs: dict[str, PenalizedMetrics]
    norm_exponent: float | None


def task_metrics(
    runs: Mapping[float, TrainingResult], train_size: int, validation_size: int
) -> Task4Metrics:
    """Contents of task 4's metrics.json."""
    numbers = {l2: penalized_metrics(run) for l2, run in runs.items()}
    first = next(iter(runs.values()))
    return {
        **schedule_metrics(first, train_size, validation_size),
        "runs": {str(l2): run for l2, run in numbers.items()},
        "norm_exponent": norm_exponent({l2: run["weight_norm"] for l2, run in numbers.items()}),
    }


def total_variation(weights: Float[np.ndarray, "K I"]) -> float:
    r"""Measure the noise of weight images: $\sum |w_p - w_q|$ over neighbouring pixels p and q.

    Example:
        >>> total_variation(np.ones((1, 785)))
        0.0
    """
    images = weights[:, :-1].reshape(-1, 28, 28)
    return float(sum(np.abs(np.diff(images, axis=axis)).sum() for axis in (1, 2)))


@np.errstate(over="ignore")
def penalized_metrics(run: TrainingResult) -> PenalizedMetrics:
    """Numbers of the run with one factor of the penalty."""
    weights = run.weights.astype(np.float64)
    size = np.abs(weights[:, :-1]).sum()
    noise = total_variation(weights) / float(size) if size > 0 else None
    return {**run_metrics(run), "total_variation_over_size": noise}


def power_law_points(norms: dict[float, float]) -> dict[float, float]:
    """What a power law can pass through: positive factors with norms that have a logarithm."""
    return {l2: norm for l2, norm in norms.items() if l2 > 0 and 0 < norm < np.inf}


def norm_exponent(norms: dict[float, float]) -> float | None:
    r"""Fit the exponent a of the power law $\|w\| \propto \lambda^a$ to the runs.

    Args:
        norms: Factor of the penalty to norm of the weights.

    Returns:
        The slope of log norm over log factor, by least squares; None for fewer than two
        positive factors.

    Example:
        >>> round(norm_exponent({0.0: 9.0, 0.1: 4.0, 10.0: 0.4}), 6)
        -0.5
    """
    points = power_law_points(norms)
    if len(points) < 2:
        return None
    logs = np.log(list(points.items()))
    return float(np.polyfit(*logs.T, deg=1)[0])


def summary(metrics: Task4Metrics) -> list[tuple[str, str]]:
    """The closing table; an accuracy is the mean of the last epoch, as the claims have it."""
    rows = []
    for l2, run in metrics["runs"].items():
        accuracy = run["last_epoch_validation_accuracy"]
        reached = (
            run["outcome"]
            if accuracy is None
            else f"validation accuracy in the last epoch {accuracy:.2%}"
        )
        rows.append((f"λ = {float(l2):g}", f"{reached}, norm {run['weight_norm']:.3f}"))
    exponent = metrics["norm_exponent"]
    if exponent is not None:
        rows.append(("norm is about proportional to", f"λ^{exponent:.2f}"))
    return rows
