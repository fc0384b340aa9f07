"""What numbers mean, as the page says it of the report's own setting: the numbers bear it out."""

import json
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import METRICS, make_page

from experiments import reported
from experiments.__main__ import TASKS
from experiments.task1_gradients.errors import Pair

ONE, TWO, THREE, FOUR = TASKS
MEASURED = Path(__file__).parents[2] / "docs" / "measured"
QUOTED = {
    task.name: json.loads((MEASURED / f"{task.name}.json").read_text(encoding="utf-8"))
    for task in TASKS
}
FIGURES = [(task, name) for task in TASKS for name in task.captions]
LAST = "last_epoch_validation_accuracy"


def gap(run: dict[str, Any]) -> float:
    return run["final"]["validation_accuracy"] - run["final"]["train_accuracy"]


def gap_of_means(run: dict[str, Any]) -> float:
    return run[LAST] - run["last_epoch_train_accuracy"]


def risen(run: dict[str, Any]) -> float:
    return run["final"]["validation_loss"] / run["lowest_validation_loss"]["validation_loss"] - 1


def of_factors(metrics: dict[str, Any], name: str) -> np.ndarray:
    runs = {float(l2): run[name] for l2, run in metrics["runs"].items()}
    return np.array([runs[l2] for l2 in sorted(runs)])


def furthest(run: dict[str, Any]) -> float:
    return np.abs(np.array(run["class_distribution_percent"]) - 10).max()


def largest(metrics: dict[str, Any], pair: Pair) -> float:
    return max(found["by_coordinate"][pair]["largest"] for found in metrics["errors"].values())


def least_of_differences(metrics: dict[str, Any]) -> float:
    errors = metrics["errors"].values()
    return min(found["central_differences"]["float64"]["relative"] for found in errors)


def stops(metrics: dict[str, Any]) -> dict[str, Any]:
    return metrics["shuffled"]["stop_steps"]


# task and figure (none: the whole task), what is said of it, and the numbers that must bear it out
MEANINGS: list[tuple[Any, ...]] = [
    (
        *(ONE, "", "agree with autodiff"),
        lambda m: all(w["passes"] for each in m["gradients"].values() for w in each.values()),
    ),
    (ONE, "", "each can be corrected", lambda m: m["ledger"]["slip"] and not m["ledger"]["fails"]),
    (
        *(ONE, "", "resulting gradients are right"),
        lambda m: {*reported.DERIVED.values()} <= {*m["ledger"]["holds"]},
    ),
    (
        *(ONE, "1_errors", "as accurate as autodiff"),
        lambda m: largest(m, Pair.DERIVED) <= 2 * largest(m, Pair.AUTODIFF),
    ),
    (
        *(ONE, "1_steps", "less accurate"),
        lambda m: least_of_differences(m) > 100 * largest(m, Pair.BETWEEN),
    ),
    (TWO, "", "slightly better", lambda m: 0 < gap(m["unshuffled"]) < 0.02),
    (
        *(TWO, "", "many times earlier"),
        lambda m: (
            m["unshuffled"]["stop_step"]["patience"] > 5 * m["unshuffled"]["stop_step"]["lag"]
        ),
    ),
    (
        *(TWO, "", "far above its lowest value"),
        lambda m: (
            m["unshuffled"]["at_stop"]["lag"]["validation_loss"]
            > 2 * m["unshuffled"]["lowest_validation_loss"]["validation_loss"]
        ),
    ),
    (
        *(TWO, "2b_loss", "minimum late"),
        lambda m: (
            m["unshuffled"]["lowest_validation_loss"]["step"]
            > 0.5 * m["unshuffled"]["final"]["step"]
        ),
    ),
    (TWO, "2b_loss", "almost no overfitting", lambda m: 0 < risen(m["unshuffled"]) < 0.05),
    (
        *(TWO, "2c_accuracy", "many images deep"),
        lambda m: min(m["unshuffled"]["spikes"]["depths"]) * m["validation_examples"] > 5,
    ),
    (
        *(TWO, "2d_stopping", "barely overlap"),
        lambda m: stops(m)["patience"]["quantiles"]["0.05"] > stops(m)["lag"]["quantiles"]["0.95"],
    ),
    (
        *(
            TWO,
            "2e_spike_position",
            "every fifth step samples each batch position only every fifth",
        ),
        lambda m: m["evaluate_every"] == 5 and np.lcm(m["steps_per_epoch"], 5) == 140,
    ),
    (
        *(TWO, "2e_spike_position", "one batch late in the epoch"),
        lambda m: np.mean(np.array(m["unshuffled"]["spikes_every_step"]["batches"]) == 18) > 0.5,
    ),
    (
        *(TWO, "2e_shuffling", "few and shallow"),
        lambda m: (
            m["shuffled"]["spikes"]["mean_greatest_depth"]
            < 0.5 * max(m["unshuffled"]["spikes"]["depths"])
        ),
    ),
    (
        *(TWO, "2e_shuffling", "no longer affects the accuracy"),
        lambda m: (
            min(m["shuffled"]["final_validation_accuracy"])
            <= m["unshuffled"]["final"]["validation_accuracy"]
            <= max(m["shuffled"]["final_validation_accuracy"])
        ),
    ),
    (
        *(THREE, "", "same weights"),
        lambda m: m["sequential"]["weight_norm"] == m["stochastic"]["weight_norm"],
    ),
    (
        *(THREE, "", "easier than the rest"),
        lambda m: m["test_set"]["sequential_accuracy"] > m["test_set"]["accuracy"] + 0.02,
    ),
    (
        *(THREE, "3b_loss", "not begun to rise"),
        lambda m: max(risen(m["sequential"]), risen(m["stochastic"])) < 0.02,
    ),
    (
        *(THREE, "3c_accuracy", "above training on the sequential set and below it"),
        lambda m: gap(m["sequential"]) > 0 > gap(m["stochastic"]),
    ),
    (
        *(THREE, "3d_class_shares", "no less evenly mixed"),
        lambda m: furthest(m["sequential"]) <= furthest(m["stochastic"]),
    ),
    (
        *(THREE, "3d_file_order", "second half of the file is easier"),
        lambda m: np.diff(np.reshape(m["test_set"]["accuracy_by_thousand"], (2, 5)).mean(1)) > 0.01,
    ),
    (
        *(THREE, "3d_file_order", "easiest tenth lies within"),
        lambda m: np.argmax(m["test_set"]["accuracy_by_thousand"]) >= 8,
    ),
    (
        *(THREE, "3d_selections", "chance cannot explain"),
        lambda m: m["test_set"]["sequential_standard_deviations_above_mean"] > 3,
    ),
    (FOUR, "", "no overfitting to cure", lambda m: gap(m["runs"]["0.0"]) > 0),
    (
        *(FOUR, "", "No penalty improves the accuracy noticeably"),
        lambda m: (np.diff(of_factors(m, LAST)[[0, 1]]) < 0.005).all(),
    ),
    (FOUR, "", "strongest costs much", lambda m: np.ptp(of_factors(m, LAST)) > 0.1),
    (
        *(FOUR, "4b_weights", "to a fraction"),
        lambda m: m["runs"]["2.0"]["weight_norm"] < 0.2 * m["runs"]["0.0"]["weight_norm"],
    ),
    (
        *(FOUR, "4c_accuracy", "the smallest one are equal within noise"),
        lambda m: abs(np.diff(of_factors(m, LAST)[:2])) < 0.005,
    ),
    (
        *(FOUR, "4c_accuracy", "most of the fall comes with the largest"),
        lambda m: (
            of_factors(m, LAST)[-2] - of_factors(m, LAST)[-1] > 0.5 * np.ptp(of_factors(m, LAST))
        ),
    ),
    (
        *(FOUR, "4d_train_validation", "gap grows with λ"),
        lambda m: (np.diff([gap_of_means(run) for run in m["runs"].values()], prepend=0) > 0).all(),
    ),
    (FOUR, "4e_norm", "far more slowly", lambda m: -0.5 < m["norm_exponent"] < 0),
    (
        *(FOUR, "appendix_weights", "less noisy as λ grows"),
        lambda m: (np.diff(of_factors(m, "total_variation_over_size")) < 0).all(),
    ),
]


@pytest.mark.parametrize("metrics", [METRICS, QUOTED], ids=["of the tests", "quoted by the docs"])
@pytest.mark.parametrize(("task", "figure", "phrase", "holds"), MEANINGS)
def test_what_the_numbers_mean_holds_of_them(task, figure, phrase, holds, metrics):
    assert phrase in (task.captions[figure].meaning if figure else task.meaning)
    assert holds(metrics[task.name])


def test_every_meaning_is_held_against_its_numbers():
    tested = {(task.name, figure) for task, figure, *_ in MEANINGS}
    assert tested == {(task.name, name) for task, name in FIGURES} | {(t.name, "") for t in TASKS}


def test_meanings_are_shown_for_the_reports_own_setting_alone(tmp_path):
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    pages = [unescape(make_page(own, METRICS)), unescape(make_page(other, METRICS, epochs=49))]
    meanings = [task.meaning for task in TASKS]
    meanings += [task.captions[name].meaning for task, name in FIGURES]
    assert all(meaning in pages[0] for meaning in meanings)
    assert not any(meaning in pages[1] for meaning in meanings)
