"""3d in every setting: the last test images among all windows, and among random selections."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from experiments import reported
from experiments.robustness.declared import HeldOut
from experiments.robustness.held_out import OTHER_WRITERS, change_point, name, window_accuracies
from experiments.robustness.specification import Multiverse, Setting, multiverse
from experiments.task3_softmax import claims
from experiments.task3_softmax.metrics import draw_selections, draws_metrics

SIZE = reported.VALIDATION_SIZE
OWN = {
    "train_size": reported.TRAIN_SIZE,
    "batch_size": reported.BATCH_SIZE,
    "epochs": reported.EPOCHS,
    "learning_rate": reported.SOFTMAX_RATE,
    "order": "seed 0",
}
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


class Run(NamedTuple):
    """A run, with what it makes of the test set."""

    setting: Setting
    row: np.void


def read(declared: HeldOut, tables: dict[str, np.ndarray]) -> list[Run]:
    """All runs of the family."""
    return [
        Run(
            {
                "train_size": train_size,
                "batch_size": batch_size,
                "epochs": epochs,
                "learning_rate": float(row["learning_rate"]),
                "order": f"seed {row['seed']}",
            },
            row,
        )
        for train_size in declared.train_sizes
        for batch_size in declared.batch_sizes
        for epochs in declared.epochs
        for row in tables[name(train_size, batch_size, epochs)]
    ]


def multiverses(runs: list[Run]) -> list[Multiverse]:
    """The claims of 3d in all settings; runs that differ in their seed count as one."""
    settings = list(_selections(runs))
    units = ("train_size", "batch_size", "epochs", "learning_rate")
    return [
        multiverse(claims.too_good, OWN, units, settings, windows(runs)),
        multiverse(claims.slight_overfitting, OWN, units, settings),
    ]


def _selections(runs: list[Run]) -> Iterator[tuple[Setting, Any]]:
    """Settings and metrics of both claims; validation accuracies are those of the last weights."""
    for setting, row in runs:
        draws = draws_metrics(draw_selections(row["correct"], SIZE, seed=0))
        train = float(row["train_accuracy"])
        metrics = {
            "sequential": {"final": _final(train, draws["sequential_accuracy"])},
            "stochastic": {"final": _final(train, draws["random_selections"]["mean"])},
            "test_set": draws,
        }
        yield setting, metrics


def _final(train: float, validation: float) -> dict[str, float]:
    return {"train_accuracy": train, "validation_accuracy": validation}


def windows(runs: list[Run]) -> dict[str, Any]:
    """Where the last images rank among all windows of as many, and where the accuracy changes."""
    found = [_windows(run.row["correct"]) for run in runs]
    names = found[0]
    return {
        "windows": len(runs[0].row["correct"]) - SIZE + 1,
        "other_writers_from": OTHER_WRITERS,
        "own": found[[run.setting for run in runs].index(OWN)],
        "quantiles": {each: _quantiles([one[each] for one in found]) for each in names},
        "later_half_is_easier": float(np.mean([one["halves_differ_by"] > 0 for one in found])),
        "halves_do_not_overlap": float(np.mean([one["halves_gap"] > 0 for one in found])),
    }


def _windows(correct: np.ndarray) -> dict[str, float]:
    accuracy = window_accuracies(correct, SIZE)
    last, first, second = (
        accuracy[-1],
        accuracy[: OTHER_WRITERS - SIZE + 1],
        accuracy[OTHER_WRITERS:],
    )
    return {
        "share_of_windows_at_least_as_good": float(np.mean(accuracy >= last)),
        "share_within_the_later_half": float(np.mean(second >= last)),
        "easiest_begins_at": int(np.argmax(accuracy)),
        "easiest": float(accuracy.max()),
        "last": float(last),
        "change_point": change_point(correct),
        "halves_differ_by": float(correct[OTHER_WRITERS:].mean() - correct[:OTHER_WRITERS].mean()),
        "halves_gap": float(second.min() - first.max()),
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    return {str(q): float(np.quantile(values, q)) for q in QUANTILES}
