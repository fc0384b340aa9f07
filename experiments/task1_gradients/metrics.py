"""The numbers of task 1: how far hand-derived gradients can be trusted, on real batches."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mnist_jax import gradients, models
from mnist_jax.data import Examples
from mnist_jax.features import make_inputs
from mnist_jax.gradcheck import Checker, Report
from mnist_jax.gradcheck.problem import PRECISIONS
from mnist_jax.models import Model, logistic, softmax
from mnist_jax.precision import in_precision

BATCHES = 2
# in float32, the check against autodiff in float64 tells how accurate the gradient is
REFERENCE = {"float32": "float64", "float64": "reverse mode"}


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
    """One check of a gradient, and where it was made."""

    task: str
    weights: str
    batch: int
    report: Report


def batches(
    task: str, examples: Examples, batch_size: int, l2: float
) -> Iterator[tuple[np.ndarray, ...]]:
    """The arguments after the weights, in float64, for the first batches in file order."""
    derivation = DERIVATIONS[task]
    factor = (np.asarray(l2),) if derivation.regularized else ()
    for start in range(0, BATCHES * batch_size, batch_size):
        rows = slice(start, start + batch_size)
        if len(examples.labels[rows]) == batch_size:
            images, labels = (jnp.asarray(each[rows]) for each in examples)
            with in_precision("float64"):
                inputs = make_inputs(images, "float64")
                targets = derivation.model.targets(labels, "float64")
            yield np.asarray(inputs), np.asarray(targets), *factor


def check(
    task: str,
    weights: dict[str, Float[np.ndarray, "..."]],
    arguments: list[tuple[np.ndarray, ...]],
) -> Iterator[Checked]:
    """Checks one gradient on several batches, from several weights.

    Args:
        task: Name in `DERIVATIONS`.
        weights: Names to weights; others are drawn around each.
        arguments: What `batches` gives.

    Yields:
        One check per batch and weights.
    """
    checker = Checker(DERIVATIONS[task].loss, DERIVATIONS[task].gradient)
    for batch, rest in enumerate(arguments):
        for name, values in weights.items():
            yield Checked(task, name, batch, checker(values, *rest))


def check_metrics(checks: list[Checked]) -> dict[str, Any]:
    """For each task and precision: whether all checks pass, the largest error from autodiff's."""
    tasks = dict.fromkeys(check.task for check in checks)
    return {task: {p: _worst(checks, task, p) for p in PRECISIONS} for task in tasks}


def _worst(checks: list[Checked], task: str, precision: str) -> dict[str, Any]:
    chosen = [check for check in checks if check.task == task]
    found = [(c, f) for c in chosen for f in c.report.findings if f.precision == precision]
    failed = sorted({f.check for _, f in found if f.passes is False})
    compared = [
        (c, f.comparison) for c, f in found if f.check == REFERENCE[precision] and f.comparison
    ]
    checked, worst = max(compared, key=lambda pair: pair[1].relative)
    return {
        "checks": len(chosen),
        "failed": failed,
        "passes": not failed,
        "largest_share_of_tolerance": max(comparison.excess for _, comparison in compared),
        "worst_weights": checked.weights,
        "worst_batch": checked.batch,
        **worst._asdict(),
    }


def summary(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The closing table."""
    return [
        (
            f"{task} in {precision}, {worst['checks']} checks",
            f"{'pass' if worst['passes'] else 'FAIL: ' + ', '.join(worst['failed'])}; relative "
            f"error against autodiff in float64 at most {worst['relative']:.1e}",
        )
        for task, precisions in metrics["gradients"].items()
        for precision, worst in precisions.items()
    ]
