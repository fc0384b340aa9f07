"""Tasks 2 to 4 on MNIST, compared with an independent NumPy program (see reference/README.md)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_jax.data import Mnist, Split, split
from mnist_jax.models import logistic, softmax
from mnist_jax.training import (
    Criterion,
    Lag,
    Outcome,
    Patience,
    Precision,
    TrainingResult,
    TrainingSettings,
    fit,
    hyperparameters,
    stopping_step,
)

TASK2, TASK3, TASK4 = (
    json.loads((Path(__file__).parents[1] / f"reference/task{task}_unshuffled.json").read_text())
    for task in (2, 3, 4)
)
RELATIVE = {"float32": 1e-3, "float64": 1e-9}
both_precisions = pytest.mark.parametrize("precision", RELATIVE)


def measured(run: TrainingResult, examples: Split) -> dict[str, Any]:
    """The numbers of a run under the names of the reference."""
    history, evaluations = run.history, run.history.evaluations._asdict()
    steps, losses = history.evaluation_steps, history.evaluations.validation_loss
    return {
        "train_examples": len(examples.train.labels),
        "validation_examples": len(examples.validation.labels),
        **run.schedule._asdict(),
        "step": steps,
        "train_loss": history.train_loss,
        "train_loss_of_every_28th_step": history.train_loss[::28],
        **evaluations,
        "final_step": steps[-1],
        **{f"final_{name}": values[-1] for name, values in evaluations.items()},
        "weight_norm": np.linalg.norm(run.weights),
        "weight_sum": run.weights.sum(),
        "lag10": stopping_step(Lag(10), losses, steps),
        "patience10": stopping_step(Patience(10), losses, steps),
    }


def assert_agrees(
    run: TrainingResult, expected: dict[str, Any], examples: Split, precision: Precision = "float64"
) -> None:
    """Compares every number that the reference has."""
    assert run.outcome == Outcome.FINISHED
    numbers, rtol = measured(run, examples), RELATIVE[precision]
    for name, value in expected.items():
        if isinstance(value, dict):
            assert_agrees(run, value, examples, precision)
            continue
        atol = rtol if name == "weight_sum" else 0.0  # its terms cancel
        if name.endswith("accuracy") and precision == "float32":
            atol = 2 / len(examples.validation.labels)  # two images near the decision boundary
        np.testing.assert_allclose(numbers[name], value, rtol=rtol, atol=atol, err_msg=name)


@both_precisions
def test_task_2_agrees_with_the_reference(mnist: Mnist, precision: Precision):
    examples = split(mnist, digits=(2, 3))
    result = fit(logistic, examples, hyperparameters(0.05), TrainingSettings(precision=precision))
    expected = TASK2
    if precision == "float32":  # rounding decides which of many late losses is the lowest
        expected = TASK2 | {"early_stopping": {"lag10": 75}}
    assert_agrees(result.run(0, 0), expected, examples, precision)


@both_precisions
def test_task_3_agrees_with_the_reference(mnist: Mnist, precision: Precision):
    examples = split(mnist)
    result = fit(softmax, examples, hyperparameters(0.01), TrainingSettings(precision=precision))
    assert_agrees(result.run(0, 0), TASK3, examples, precision)


def test_task_4_agrees_with_the_reference(mnist: Mnist):
    examples = split(mnist)
    values = hyperparameters(0.01, l2=[float(factor) for factor in TASK4])
    result = fit(softmax, examples, values, TrainingSettings(precision="float64"))
    for run, expected in enumerate(TASK4.values()):
        assert_agrees(result.run(0, run), expected, examples)


@pytest.mark.parametrize(
    ("precision", "criterion", "expected"),
    [("float32", Lag(), 75), ("float64", Lag(), 75), ("float64", Patience(), 840)],
)
def test_task_2_stops_early(
    mnist: Mnist, precision: Precision, criterion: Criterion, expected: int
):
    settings = TrainingSettings(precision=precision, criterion=criterion)
    result = fit(logistic, split(mnist, digits=(2, 3)), hyperparameters(0.05), settings)
    assert result.outcome.item() == Outcome.STOPPED_EARLY
    assert result.last_step.item() == expected
