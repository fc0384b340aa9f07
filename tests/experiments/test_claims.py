"""Each verdict follows from its measurement: change the one and the other changes."""

import copy
import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from small_report import SmallReport

from experiments.__main__ import TASKS
from experiments.common.claims import Condition, Verdict, judge, verdict
from experiments.common.provenance import select
from experiments.task2_logistic.settings import Task2Settings
from experiments.task4_regularization.settings import Task4Settings

GRADIENT = {name: {"passes": True, "relative": 1e-7} for name in ("float32", "float64")}
FINAL = {"step": 1395, "validation_accuracy": 0.985, "train_accuracy": 0.977}
METRICS: dict[str, Any] = {
    "task1_gradients": {"gradients": dict.fromkeys(("1a", "1b", "4a"), GRADIENT)},
    "task2_logistic": {
        "train_examples": 3623,
        "steps_per_epoch": 28,
        "evaluate_every": 5,
        "unshuffled": {
            "final": FINAL,
            "stop_step": {"lag": 75, "patience": 840},
            "at_stop": {"lag": {"validation_accuracy": 0.97}},
            "lowest_validation_loss": {"step": 1155},
            "spikes": {"count": 10, "depths": [0.07] + [0.03] * 9},
            "spikes_every_step": {
                "count": 49,
                "epochs": list(range(1, 50)),
                "batches": [18] * 49,
            },
            "epochs": 50,
        },
        "shuffled": {
            "stop_steps": {
                "lag": {
                    "seeds": 1000,
                    "stopped": 1000,
                    "minimum": 60,
                    "maximum": 240,
                    "quantiles": {"0.05": 75, "0.95": 175},
                    "share_within_65_to_195": 0.97,
                }
            },
            "spikes": {
                "seeds": 20,
                "mean_count": 0.2,
                "median_count": 0,
                "mean_greatest_depth": 0.02,
            },
        },
    },
    "task3_softmax": {
        "sequential": {
            "final": {"validation_accuracy": 0.939, "train_accuracy": 0.921},
            "class_distribution_percent": [
                *(10.35, 11.50, 9.90, 10.35, 9.70, 8.45, 10.10, 10.75, 9.35, 9.55)
            ],
        },
        "stochastic": {"final": {"validation_accuracy": 0.912, "train_accuracy": 0.921}},
        "test_set": {
            "accuracy": 0.915,
            "sequential_accuracy": 0.939,
            "sequential_standard_deviations_above_mean": 4.2,
            "accuracy_by_thousand": [0.87, 0.97],
            "random_selections": {
                "count": 1000,
                "mean": 0.915,
                "maximum": 0.932,
                "standard_deviation": 0.0057,
            },
        },
    },
    "task4_regularization": {
        "validation_examples": 2000,
        "norm_exponent": -0.35,
        "runs": {
            l2: {
                "last_epoch_validation_accuracy": accuracy,
                "weight_norm": norm,
                "total_variation_over_size": noise,
            }
            for l2, accuracy, norm, noise in (
                ("0.0", 0.939, 4.8, 1.04),
                ("0.002", 0.938, 4.3, 1.03),
                ("0.02", 0.934, 2.7, 0.95),
                ("0.2", 0.913, 1.3, 0.88),
                ("2.0", 0.818, 0.38, 0.85),
            )
        },
    },
}

GRADIENTS = "task1_gradients gradients"
UNSHUFFLED = "task2_logistic unshuffled"
SHUFFLED = "task2_logistic shuffled"
LAG = f"{SHUFFLED} stop_steps lag"
TASK3 = "task3_softmax"
TASK4 = "task4_regularization"
LAST = "last_epoch_validation_accuracy"
CONFIRMED, PARTLY, REFUTED = "confirmed", "partly confirmed", "refuted"
# claim, its verdict, what to change, to what, the verdict then
FLIPS = [
    ("gradient-1a", CONFIRMED, f"{GRADIENTS} 1a float64 passes", False, REFUTED),
    ("gradient-1b", CONFIRMED, f"{GRADIENTS} 1b float32 passes", False, PARTLY),
    ("gradient-1b", CONFIRMED, f"{GRADIENTS} 1b float32 passes", False, PARTLY),
    ("gradient-4a", CONFIRMED, f"{GRADIENTS} 4a float32 passes", False, PARTLY),
    ("schedule", CONFIRMED, "task2_logistic steps_per_epoch", 29, PARTLY),
    ("stopping-step", CONFIRMED, f"{UNSHUFFLED} stop_step lag", 80, REFUTED),
    ("stopping-step", CONFIRMED, f"{UNSHUFFLED} stop_step lag", None, REFUTED),
    ("stopping-range", CONFIRMED, f"{LAG} share_within_65_to_195", 0.9, REFUTED),
    ("stopping-range", CONFIRMED, f"{LAG} stopped", 0, REFUTED),
    ("sensitivity", PARTLY, f"{UNSHUFFLED} lowest_validation_loss step", 640, CONFIRMED),
    ("sensitivity", PARTLY, f"{UNSHUFFLED} final validation_accuracy", 0.9, REFUTED),
    ("spike-count", CONFIRMED, f"{UNSHUFFLED} spikes count", 9, PARTLY),
    ("spike-count", CONFIRMED, f"{UNSHUFFLED} spikes_every_step epochs", [1, 2], PARTLY),
    ("spike-place", REFUTED, f"{UNSHUFFLED} spikes_every_step batches", [0] * 49, CONFIRMED),
    ("shuffling", CONFIRMED, f"{SHUFFLED} spikes mean_count", 8, PARTLY),
    ("shuffling", CONFIRMED, f"{SHUFFLED} spikes median_count", 1, PARTLY),
    ("shuffling", CONFIRMED, f"{SHUFFLED} spikes mean_greatest_depth", 0.07, PARTLY),
    ("class-shares", CONFIRMED, f"{TASK3} sequential class_distribution_percent", [10], REFUTED),
    ("too-good", CONFIRMED, f"{TASK3} test_set random_selections maximum", 0.95, PARTLY),
    ("too-good", CONFIRMED, f"{TASK3} sequential final train_accuracy", 0.95, PARTLY),
    ("slight-overfitting", CONFIRMED, f"{TASK3} stochastic final train_accuracy", 0.9, PARTLY),
    ("noise", CONFIRMED, f"{TASK4} runs 2.0 total_variation_over_size", 0.95, REFUTED),
    ("accuracy-falls", CONFIRMED, f"{TASK4} runs 0.2 {LAST}", 0.95, REFUTED),
    ("accuracy-falls", CONFIRMED, f"{TASK4} runs 0.0 {LAST}", 0.93, PARTLY),
    ("accuracy-falls", CONFIRMED, f"{TASK4} runs 0.0 {LAST}", 0.935, CONFIRMED),
    ("norm-inverse", REFUTED, f"{TASK4} norm_exponent", -0.97, CONFIRMED),
]
CLAIMS = [claim for task in TASKS for claim in task.claims]
BY_ID = {claim.statement.id: claim for claim in CLAIMS}


def changed(path: str, value: object) -> dict[str, Any]:
    metrics = copy.deepcopy(METRICS)
    *keys, last = path.split()
    reduce(lambda inner, key: inner[key], keys, metrics)[last] = value
    return metrics


@pytest.mark.parametrize(("claim", "before", "path", "value", "after"), FLIPS)
def test_a_verdict_flips_with_its_measurement(claim, before, path, value, after):
    task = BY_ID[claim].statement.task
    assert judge(BY_ID[claim], METRICS[task], set()).verdict == before
    assert judge(BY_ID[claim], changed(path, value)[task], set()).verdict == after


def test_the_claims_of_task_1_find_their_numbers_in_real_metrics(small_report: SmallReport):
    # those of the other tasks: test_verify.py
    written = (small_report.folder / TASKS[0].name / "metrics.json").read_text(encoding="utf-8")
    for claim in TASKS[0].claims:
        measured = claim.measured(json.loads(written))
        assert measured.text
        assert all(condition.statement for condition in measured.conditions)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.statement.id)
def test_a_claim_reads_no_numbers_but_those_that_its_record_carries(claim):
    metrics = METRICS[claim.statement.task]
    assert claim.measured(select(metrics, claim.numbers)) == claim.measured(metrics)


def test_every_claim_is_flipped_above():
    assert {claim for claim, *_ in FLIPS} == {*BY_ID}
    assert len(BY_ID) == len(CLAIMS) == 16


def test_a_run_too_short_to_stop_is_not_measured():
    metrics = changed(f"{UNSHUFFLED} stop_step", {"lag": None, "patience": None})
    metrics["task2_logistic"]["unshuffled"]["final"] = FINAL | {"step": 50}
    judged = judge(BY_ID["stopping-step"], metrics["task2_logistic"], set())
    assert judged.verdict is Verdict.NOT_MEASURED


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.statement.id)
def test_a_claim_is_not_judged_with_settings_that_are_not_the_reports(claim):
    judged = judge(claim, METRICS[claim.statement.task], {claim.needs[-1]})
    assert judged.verdict is Verdict.NOT_MEASURED
    assert claim.needs[-1] in judged.measured


def test_settings_are_compared_with_the_reports_own():
    assert Task2Settings().changed() == set()
    assert Task2Settings(digits=(4, 7), epochs=3).changed() == {"digits", "epochs"}
    assert {"epochs", "lag_seeds"} <= Task2Settings(quick=True).shortened().changed()
    assert Task4Settings(l2=(2.0,)).changed() == {"l2"}


def test_where_the_data_and_the_results_are_does_not_make_it_another_setting():
    assert Task2Settings(output_dir=Path("elsewhere"), data_dir=Path("data")).are_the_reports()
    assert not Task2Settings(seed=1).are_the_reports()
    assert not Task2Settings(data_set="fashion-mnist").are_the_reports()


def test_verdicts_of_conditions():
    yes, no = Condition("yes", holds=True), Condition("no", holds=False)
    cases = ((yes, yes), (yes, no), (no,), ())
    assert [verdict(conditions) for conditions in cases] == [*Verdict]
