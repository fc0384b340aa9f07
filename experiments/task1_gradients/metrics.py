"""The numbers of task 1: how far hand-derived gradients can be trusted, on real batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypedDict, cast

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from experiments.common.words import scientific
from experiments.task1_gradients.errors import ErrorMetrics, Errors, errors_metrics
from experiments.task1_gradients.ledger import LedgerMetrics, ledger_metrics
from mnist_jax import models
from mnist_jax.data import Split
from mnist_jax.features import make_inputs
from mnist_jax.models import Model
from mnist_jax.precision import in_precision
from mnist_jax.training import TrainingResult

if TYPE_CHECKING:
    from mnist_jax.derivation import Judgement
    from mnist_jax.gradcheck import Report

BATCHES = 2
# in float32, the check against autodiff in float64 tells how accurate the gradient is
REFERENCE = {"float32": "float64", "float64": "reverse mode"}


@dataclass(frozen=True)
class Case:
    """A gradient that the report derives, with its loss and what it is trained with."""

    task: str  # the report's name for it
    model: Model  # model whose loss it differentiates
    gradient: Callable[..., Float[Array, "..."]]  # the hand-derived gradient
    split: Split
    learning_rate: float
    l2: float | None = None  # factor of the penalty; None where the gradient has none

    def loss(self, weights: Array, inputs: Array, targets: Array, l2: float = 0.0) -> Array:
        """The objective that autodiff differentiates."""
        return models.objective(self.model, weights, inputs, targets, l2)


class Checked(NamedTuple):
    """One check of a gradient, and where it was made."""

    task: str
    weights: str
    batch: int
    report: "Report"


@dataclass(frozen=True)
class Runs:
    """What task 1 measures."""

    trained: dict[str, TrainingResult]  # task to the run at whose end its gradient is checked
    checks: list[Checked]  # checks of all gradients
    errors: dict[str, Errors]  # task to the errors of its gradient on one batch
    judgements: "list[Judgement]"  # judgements of all equations
    learning_rates: dict[str, float]  # task to the learning rate of its run


class GradientMetrics(TypedDict):
    """The checks of one gradient in one precision, and the worst of them.

    It also has the fields of the worst check's `mnist_jax.gradcheck` comparison.
    """

    checks: int
    failed: list[str]
    passes: bool
    largest_share_of_tolerance: float
    worst_weights: str
    worst_batch: int
    relative: float


class Task1Metrics(TypedDict):
    """Contents of task 1's metrics.json."""

    gradients: dict[str, dict[str, GradientMetrics]]
    errors: dict[str, ErrorMetrics]
    ledger: LedgerMetrics
    learning_rates: dict[str, float]


def batches(case: Case, batch_size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """The arguments after the weights, in float64, for the first batches in file order."""
    factor = () if case.l2 is None else (np.asarray(case.l2),)
    for start in range(0, BATCHES * batch_size, batch_size):
        rows = slice(start, start + batch_size)
        if len(case.split.train.labels[rows]) == batch_size:
            images, labels = (jnp.asarray(values[rows]) for values in case.split.train)
            with in_precision("float64"):
                inputs = make_inputs(images, "float64")
                targets = case.model.targets(labels, "float64")
            yield np.asarray(inputs), np.asarray(targets), *factor


def check_gradient(
    case: Case,
    weights: dict[str, Float[np.ndarray, "..."]],
    arguments: list[tuple[np.ndarray, ...]],
) -> Iterator[Checked]:
    """Checks a gradient on several batches, with weights drawn around each of those named."""
    from mnist_jax.gradcheck import Checker

    checker = Checker(case.loss, case.gradient)
    for batch, rest in enumerate(arguments):
        for name, values in weights.items():
            yield Checked(case.task, name, batch, checker(values, *rest))


def task_metrics(runs: Runs) -> Task1Metrics:
    """Contents of task 1's metrics.json."""
    from mnist_jax.gradcheck.problem import PRECISIONS

    return {
        "gradients": {
            task: {precision: _worst(runs.checks, task, precision) for precision in PRECISIONS}
            for task in runs.trained
        },
        "errors": errors_metrics(runs.errors),
        "ledger": ledger_metrics(runs.judgements),
        "learning_rates": runs.learning_rates,
    }


def _worst(checks: list[Checked], task: str, precision: str) -> GradientMetrics:
    chosen = [check for check in checks if check.task == task]
    found = [(c, f) for c in chosen for f in c.report.findings if f.precision == precision]
    failed = sorted({f.check for _, f in found if f.passes is False})
    compared = [
        (c, f.comparison) for c, f in found if f.check == REFERENCE[precision] and f.comparison
    ]
    checked, worst = max(compared, key=lambda pair: pair[1].relative)
    numbers = {
        "checks": len(chosen),
        "failed": failed,
        "passes": not failed,
        "largest_share_of_tolerance": max(comparison.excess for _, comparison in compared),
        "worst_weights": checked.weights,
        "worst_batch": checked.batch,
        **worst._asdict(),
    }
    return cast(GradientMetrics, numbers)


def summary(metrics: Task1Metrics) -> list[tuple[str, str]]:
    """The closing table."""
    return [
        (
            f"{task} in {precision}, {worst['checks']} checks",
            f"{'pass' if worst['passes'] else 'FAIL: ' + ', '.join(worst['failed'])}; relative "
            f"error against autodiff in float64 at most {scientific(worst['relative'])}",
        )
        for task, precisions in metrics["gradients"].items()
        for precision, worst in precisions.items()
    ]
