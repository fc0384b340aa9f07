"""The numbers of task 1: how hand-derived gradients and autodiff differ on real batches."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mnist_jax import gradients, models
from mnist_jax.data import Examples
from mnist_jax.features import make_inputs
from mnist_jax.gradcheck import Comparison, compare
from mnist_jax.models import Model, logistic, softmax

BATCHES = 10
PRECISIONS = ("float32", "float64")


class Derivation(NamedTuple):
    """A gradient that the report derives, with the loss that it belongs to."""

    model: Model
    gradient: Callable[..., Float[Array, "..."]]
    regularized: bool

    def loss(self, weights: Array, inputs: Array, targets: Array, l2: float = 0.0) -> Array:
        """The objective that autodiff differentiates."""
        return models.objective(self.model, weights, inputs, targets, l2)


DERIVATIONS = {
    "1a": Derivation(logistic, gradients.logistic_gradient, regularized=False),
    "1b": Derivation(softmax, gradients.softmax_gradient, regularized=False),
    "4a": Derivation(softmax, gradients.regularized_softmax_gradient, regularized=True),
}


class Checked(NamedTuple):
    """One comparison, and where it was made."""

    task: str
    precision: str
    point: str
    batch: int
    comparison: Comparison


def check(
    task: str,
    points: dict[str, Float[np.ndarray, "..."]],
    examples: Examples,
    batch_size: int,
    l2: float,
) -> Iterator[Checked]:
    """Compares one gradient on the first batches, at several weights, in both precisions.

    Args:
        task: Of `DERIVATIONS`.
        points: Names to weights.
        examples: The training set, cut into batches in file order.
        batch_size: Examples per batch.
        l2: Factor of the penalty, for 4a.

    Yields:
        One comparison per precision, point and batch.
    """
    derivation = DERIVATIONS[task]
    factor = (l2,) if derivation.regularized else ()
    for precision in PRECISIONS:
        with jax.enable_x64(precision == "float64"):
            for batch in range(min(BATCHES, len(examples.labels) // batch_size)):
                rows = slice(batch * batch_size, (batch + 1) * batch_size)
                inputs = make_inputs(jnp.asarray(examples.images[rows]), precision)
                targets = derivation.model.targets(jnp.asarray(examples.labels[rows]), precision)
                for point, weights in points.items():
                    arguments = (jnp.asarray(weights, precision), inputs, targets, *factor)
                    comparison = compare(derivation.loss, derivation.gradient, *arguments)
                    yield Checked(task, precision, point, batch, comparison)


def comparison_metrics(checks: list[Checked]) -> dict[str, Any]:
    """The largest error of each task and precision, and where it was."""
    tasks = dict.fromkeys(check.task for check in checks)
    return {task: {p: worst_of(checks, task, p) for p in PRECISIONS} for task in tasks}


def worst_of(checks: list[Checked], task: str, precision: str) -> dict[str, Any]:
    """The comparison with the largest error among those of a task and a precision."""
    chosen = [check for check in checks if (check.task, check.precision) == (task, precision)]
    failed = [check for check in chosen if not check.comparison.passes]
    worst = max(failed or chosen, key=lambda check: check.comparison.max_relative)
    numbers = worst.comparison._asdict()
    numbers.pop("errors")
    return {
        "comparisons": len(chosen),
        "failed": len(failed),
        "passes": not failed,
        "worst_point": worst.point,
        "worst_batch": worst.batch,
        **numbers,
    }


def summary(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The closing table."""
    return [
        (
            f"{task} in {precision}, {worst['comparisons']} comparisons",
            f"{'agree' if worst['passes'] else 'DIFFER'}, relative error at most "
            f"{worst['max_relative']:.1e} (tolerance {worst['tolerance']:.1e})",
        )
        for task, precisions in metrics["gradients"].items()
        for precision, worst in precisions.items()
    ]
