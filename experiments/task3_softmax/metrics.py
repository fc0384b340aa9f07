"""The numbers of task 3, from its runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypedDict, cast, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.common.runs import RunMetrics, ScheduleMetrics, run_metrics, schedule_metrics
from mnist_jax.data import Selection, Split, class_shares
from mnist_jax.training import TrainingResult

DRAWS = 1000
"""Random validation sets against which the sequential one is held."""


@dataclass(frozen=True)
class Trained:
    """A run and the split whose validation set it was evaluated on."""

    run: TrainingResult
    split: Split


@dataclass(frozen=True)
class Draws:
    """Accuracy of one model on the whole test set, and on random selections from it."""

    # whether each test image, in file order, is classified correctly
    correct: Bool[np.ndarray, " test"]
    accuracies: Float[np.ndarray, " draws"]  # the accuracy on each random selection
    size: int  # images in a selection


class TrainedMetrics(RunMetrics):
    """Numbers of one run and its validation set."""

    class_distribution_percent: np.ndarray


class RandomSelections(TypedDict):
    """Accuracies of random selections from the test set."""

    count: int
    mean: float
    standard_deviation: float
    minimum: float
    maximum: float


class TestSetMetrics(TypedDict):
    """Accuracy on the test set, and where its last images stand among random selections."""

    accuracy: float
    images: int
    accuracy_by_thousand: np.ndarray
    selection_size: int
    sequential_accuracy: float
    random_selections: RandomSelections
    sequential_standard_deviations_above_mean: float | None


class Task3Metrics(ScheduleMetrics):
    """Contents of task 3's metrics.json; a validation set that was not used is absent."""

    sequential: TrainedMetrics
    stochastic: TrainedMetrics
    test_set: TestSetMetrics


def draw_selections(correct: Bool[np.ndarray, " test"], size: int, seed: int) -> Draws:
    """Measures the accuracy of random validation sets of a size, drawn without replacement."""
    accuracies = correct[random_selections(len(correct), size, seed)].mean(axis=1)
    return Draws(correct, accuracies, size)


@cache
def random_selections(count: int, size: int, seed: int) -> Int[np.ndarray, "draws size"]:
    """Draw validation sets from so many images, the same ones for every model."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.choice(count, size, replace=False) for _ in range(DRAWS)])


def task_metrics(trained: Mapping[str, Trained], draws: Draws, train_size: int) -> Task3Metrics:
    """Contents of task 3's metrics.json."""
    last = list(trained.values())[-1].run
    numbers = {
        **schedule_metrics(last, train_size, draws.size),
        **{selection: trained_metrics(each) for selection, each in trained.items()},
        "test_set": draws_metrics(draws),
    }
    return cast(Task3Metrics, numbers)


def by_selection(metrics: Task3Metrics) -> dict[str, TrainedMetrics]:
    """Numbers of each validation set that was used."""
    return {name: metrics[name] for name in get_args(Selection) if name in metrics}


def trained_metrics(trained: Trained) -> TrainedMetrics:
    """Numbers of one run and its validation set."""
    shares = class_shares(trained.split.validation.labels)
    return {**run_metrics(trained.run), "class_distribution_percent": shares}


def draws_metrics(draws: Draws) -> TestSetMetrics:
    """Where the last test images stand among random selections of as many."""
    sequential = float(draws.correct[-draws.size :].mean())
    mean, deviation = float(draws.accuracies.mean()), float(draws.accuracies.std(ddof=1))
    return {
        "accuracy": float(draws.correct.mean()),
        "images": len(draws.correct),
        "accuracy_by_thousand": np.array([t.mean() for t in np.array_split(draws.correct, 10)]),
        "selection_size": draws.size,
        "sequential_accuracy": sequential,
        "random_selections": {
            "count": len(draws.accuracies),
            "mean": mean,
            "standard_deviation": deviation,
            "minimum": float(draws.accuracies.min()),
            "maximum": float(draws.accuracies.max()),
        },
        "sequential_standard_deviations_above_mean": (
            (sequential - mean) / deviation if deviation > 0 else None
        ),
    }


def summary(metrics: Task3Metrics) -> list[tuple[str, str]]:
    """The closing table."""
    rows = []
    for selection, numbers in by_selection(metrics).items():
        last = f"{selection}, last evaluation"
        if final := numbers["final"]:
            rows += [
                (f"{last}: training accuracy", f"{final['train_accuracy']:.2%}"),
                (f"{last}: validation accuracy", f"{final['validation_accuracy']:.2%}"),
                (f"{last}: validation loss", f"{final['validation_loss']:.4f} nats"),
            ]
    test, draws = metrics["test_set"], metrics["test_set"]["random_selections"]
    return [
        *rows,
        ("after the last step, accuracy on all test images", f"{test['accuracy']:.2%}"),
        (f"on the last {test['selection_size']} of them", f"{test['sequential_accuracy']:.2%}"),
        (
            f"on {draws['count']} random selections of as many",
            f"{draws['mean']:.2%}, sd {draws['standard_deviation']:.2%}, "
            f"at most {draws['maximum']:.2%}",
        ),
    ]
