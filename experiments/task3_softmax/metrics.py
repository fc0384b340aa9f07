"""The numbers of task 3, from its runs."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from experiments.common.runs import run_metrics
from mnist_jax.data import Split, class_shares
from mnist_jax.training import TrainingResult

DRAWS = 1000
"""Random validation sets against which the sequential one is held."""


class Trained(NamedTuple):
    """A run and the split whose validation set it was evaluated on."""

    run: TrainingResult
    split: Split


class Draws(NamedTuple):
    """How one model does on the whole test set, and on random selections from it.

    Attributes:
        correct: Whether each test image, in file order, is classified correctly.
        accuracies: The accuracy on each random selection.
        size: How many images a selection has.
    """

    correct: Bool[np.ndarray, " test"]
    accuracies: Float[np.ndarray, " draws"]
    size: int


def draw_selections(correct: Bool[np.ndarray, " test"], size: int, seed: int) -> Draws:
    """The accuracy of random validation sets, each drawn without replacement.

    Args:
        correct: Whether each test image is classified correctly.
        size: Images per validation set.
        seed: Seed of the draws.

    Returns:
        The draws.
    """
    generator = np.random.default_rng(seed)
    draws = [generator.choice(correct, size, replace=False).mean() for _ in range(DRAWS)]
    return Draws(correct, np.array(draws), size)


def trained_metrics(trained: Trained) -> dict[str, Any]:
    """Numbers of one run and its validation set."""
    return run_metrics(trained.run) | {
        "class_distribution_percent": class_shares(trained.split.validation.labels)
    }


def draws_metrics(draws: Draws) -> dict[str, Any]:
    """Where the last test images stand among random selections of as many."""
    sequential = draws.correct[-draws.size :].mean()
    mean, deviation = draws.accuracies.mean(), draws.accuracies.std(ddof=1)
    return {
        "accuracy": draws.correct.mean(),
        "images": len(draws.correct),
        "accuracy_by_thousand": np.array([t.mean() for t in np.array_split(draws.correct, 10)]),
        "selection_size": draws.size,
        "sequential_accuracy": sequential,
        "random_selections": {
            "count": len(draws.accuracies),
            "mean": mean,
            "standard_deviation": deviation,
            "minimum": draws.accuracies.min(),
            "maximum": draws.accuracies.max(),
        },
        "sequential_standard_deviations_above_mean": (
            (sequential - mean) / deviation if deviation > 0 else None
        ),
    }


def summary(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The closing table."""
    rows = []
    for selection in ("sequential", "stochastic"):
        final = metrics.get(selection, {}).get("final")
        if final:
            rows += [
                (f"{selection}: training accuracy", f"{final['train_accuracy']:.2%}"),
                (f"{selection}: validation accuracy", f"{final['validation_accuracy']:.2%}"),
                (f"{selection}: validation loss", f"{final['validation_loss']:.4f} nats"),
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
