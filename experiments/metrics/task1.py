"""The numbers of task 1: how far hand-derived gradients can be trusted, on real batches."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from mnist_jax import gradients, models
from mnist_jax.data import Examples
from mnist_jax.features import make_inputs
from mnist_jax.gradcheck import Checker, Report
from mnist_jax.gradcheck.differences import Line, central_differences
from mnist_jax.gradcheck.draws import draw_directions
from mnist_jax.gradcheck.problem import PRECISIONS, Problem, cast, in_precision
from mnist_jax.gradcheck.programs import compile_programs
from mnist_jax.models import Model, logistic, softmax

BATCHES = 2
# in float32, the check against autodiff in float64 tells how accurate the gradient is
REFERENCE = {"float32": "float64", "float64": "reverse mode"}
STEPS = np.logspace(2, -10, 61)


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


class Errors(NamedTuple):
    """Errors for the figures of one task, at its trained weights on its first batch.

    Attributes:
        by_coordinate: Of each coordinate, relative to the largest, by what was compared.
        by_step: Precision to the relative error of the central difference of each of `STEPS`,
            along a direction of random signs.
    """

    by_coordinate: dict[str, Float[np.ndarray, " P"]]
    by_step: dict[str, Float[np.ndarray, " H"]]


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
        task: Of `DERIVATIONS`.
        weights: Names to weights; others are drawn around each.
        arguments: What `batches` gives.

    Yields:
        One check per batch and weights.
    """
    checker = Checker(DERIVATIONS[task].loss, DERIVATIONS[task].gradient)
    for batch, rest in enumerate(arguments):
        for name, values in weights.items():
            yield Checked(task, name, batch, checker(values, *rest))


def errors(task: str, arguments: tuple[np.ndarray, ...], seed: int) -> Errors:
    """The errors that the figures show.

    Args:
        task: Of `DERIVATIONS`.
        arguments: Trained weights and a batch, in float64.
        seed: Of the direction.

    Returns:
        The errors.
    """
    derivation = DERIVATIONS[task]
    problem = Problem(derivation.loss, derivation.gradient, 0, arguments)
    return Errors(_by_coordinate(problem), _by_step(problem, seed))


def _by_coordinate(problem: Problem) -> dict[str, np.ndarray]:
    gradient, reverse = jax.jit(problem.gradient), jax.jit(jax.grad(problem.loss))
    with in_precision("float32"):
        single = problem.cast("float32").arguments
        ours, theirs = gradient(*single), reverse(*single)
    with in_precision("float64"):
        exact = np.asarray(reverse(*cast(single, "float64")))
        double = problem.cast("float64").arguments
        ours64, theirs64 = gradient(*double), reverse(*double)
    largest = np.abs(exact).max()
    pairs = {
        "float32: hand-derived": (ours, exact),
        "float32: autodiff": (theirs, exact),
        "float64: one against the other": (ours64, theirs64),
    }
    return {
        name: np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).ravel() / largest
        for name, (a, b) in pairs.items()
    }


def _by_step(problem: Problem, seed: int) -> dict[str, np.ndarray]:
    programs = compile_programs(problem, traceable=True)
    with in_precision("float64"):
        double = problem.cast("float64")
        directions = draw_directions(double, 1, seed)
        slope = float(programs.forward(directions, *double.arguments)[0])
    found = {}
    for precision in PRECISIONS:
        with in_precision(precision):
            steps = cast(np.concatenate([STEPS, -STEPS]), precision)
            values = programs.lines(
                cast(directions, precision), steps, *problem.cast(precision).arguments
            )
        ahead, behind = np.split(np.asarray(values[0], np.float64), 2)
        line = Line(STEPS, ahead, np.nan, behind, np.nan)
        found[precision] = np.abs(central_differences(line) / slope - 1)
    return found


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
