"""What the page says follows from the numbers: change the one and the other changes."""

import copy
from functools import reduce
from typing import Any

import pytest
from report_page import METRICS

from experiments.narratives import NARRATIVES

ONE, TWO, THREE, FOUR = METRICS
LAST = "last_epoch_validation_accuracy"
OVERVIEW = "overview"
# task, of which figure, what to change, to what, what is said before and not after, and after
FLIPS: list[tuple[str, str, dict[str, Any], str, str]] = [
    (
        *(ONE, OVERVIEW),
        {"gradients 1b float64 passes": False, "gradients 1b float64 failed": ["forward mode"]},
        *(
            "agree with autodiff",
            "hand-derived gradients passes: 1b in float64 (forward mode)",
        ),
    ),
    (ONE, OVERVIEW, {"gradients 4a float32 largest_share_of_tolerance": 0.9}, "23%", "90%"),
    (ONE, OVERVIEW, {"ledger holds": ["1a.25", "27"]}, "stand", "does not hold: (23)"),
    (
        ONE,
        OVERVIEW,
        {"ledger fails": ["13"]},
        "right; the results",
        "right; no correction is known",
    ),
    (
        *(ONE, "1_errors", {"errors 1b by_coordinate float32:_hand-derived largest": 1e-4}),
        *("costs no accuracy", "1b errs up to"),
    ),
    (
        *(ONE, "1_errors", {"errors 4a by_coordinate float32:_autodiff largest": None}),
        *("costs no accuracy", "too large for the gradients to be compared"),
    ),
    (
        *(ONE, "1_steps"),
        {f"errors {t} central_differences float64 relative": 2e-15 for t in ("1a", "1b", "4a")},
        *("more digits", "as close as"),
    ),
    (
        TWO,
        OVERVIEW,
        {"unshuffled final validation_accuracy": 0.97},
        "easier ones",
        "points below",
    ),
    (
        *(TWO, OVERVIEW, {"unshuffled final": {}, "unshuffled outcome": "diverged at step 0"}),
        *("training ends with", "the run diverged at step 0, before"),
    ),
    (TWO, OVERVIEW, {"unshuffled stop_step patience": None}, "Both", "only lag"),
    (TWO, OVERVIEW, {"unshuffled stop_step lag": None}, "Both", "only patience"),
    (TWO, OVERVIEW, {"unshuffled stop_step": {}}, "Both", "Neither"),
    (TWO, OVERVIEW, {"unshuffled stop_step patience": 70}, "11.2 times", "no later than lag"),
    (
        *(TWO, OVERVIEW, {"unshuffled at_stop lag validation_loss": 0.0462}),
        *("2.3 times the lowest", "near its lowest"),
    ),
    (TWO, "2b_loss", {"unshuffled lowest_validation_loss step": 1395}, "83%", "not begun to rise"),
    (
        TWO,
        "2b_loss",
        {"unshuffled final validation_loss": 0.06},
        "hardly overfit",
        "that is overfit",
    ),
    (TWO, "2c_accuracy", {"validation_examples": 2000}, "9 images", "40 images"),
    (TWO, "2d_stopping", {"shuffled stop_steps lag maximum": 600}, "4.1 times", "10.0 times"),
    (
        *(TWO, "2d_stopping", {"shuffled stop_steps lag quantiles 0.95": 400}),
        *("barely overlap", "ranges overlap"),
    ),
    (
        TWO,
        "2d_stopping",
        {"shuffled stop_steps lag stopped": 0},
        "4.1 times as far",
        "none of 1000",
    ),
    (
        TWO,
        "2e_spike_position",
        {"evaluate_every": 7},
        "once every 5",
        "the same batches in every epoch",
    ),
    (
        *(TWO, "2e_spike_position", {"unshuffled spikes_every_step batches": [0, 0, 18]}),
        *("not the seam", "follow the seam"),
    ),
    (
        TWO,
        "2e_shuffling",
        {"unshuffled final validation_accuracy": 0.9},
        "no longer",
        "still shows",
    ),
    (TWO, "2e_shuffling", {"unshuffled spikes count": 0}, "24%", "There are no spikes"),
    (THREE, OVERVIEW, {"sequential final validation_accuracy": 0.9125}, "2.5 points", "hardly"),
    (THREE, OVERVIEW, {"test_set sequential_accuracy": 0.9}, "2.6 points higher", "points lower"),
    (
        *(THREE, "3b_loss", {"stochastic final validation_loss": 0.4}),
        *("sequential set and the stochastic set the", "risen on the stochastic set by 36%"),
    ),
    (
        *(THREE, "3c_accuracy", {"sequential final validation_accuracy": 0.9}),
        *("1.7 points above", "2.1 points below"),
    ),
    (
        *(THREE, "3d_class_shares", {"sequential class_distribution_percent": [1, 19] + [10] * 8}),
        *("not what sets", "less evenly mixed"),
    ),
    (
        THREE,
        "3d_file_order",
        {"test_set accuracy_by_thousand": [0.9] * 10},
        "easier",
        "equally hard",
    ),
    (
        *(THREE, "3d_file_order", {"test_set accuracy_by_thousand": [0.95] * 5 + [0.9] * 5}),
        *("The second half", "The first half"),
    ),
    (THREE, "3d_file_order", {"test_set selection_size": 1000}, "within", "outside"),
    (
        *(THREE, "3d_selections", {"test_set sequential_standard_deviations_above_mean": 1.0}),
        *("chance cannot explain", "could well be one of them"),
    ),
    (FOUR, OVERVIEW, {"runs 0.0 final train_accuracy": 0.99}, "no overfitting", "some overfitting"),
    (FOUR, OVERVIEW, {f"runs 0.002 {LAST}": 0.96}, "0.1 points worse", "2.1 points better"),
    (FOUR, "4b_weights", {"runs 2.0 weight_norm": 4.0}, "8% of the norm", "84% of the norm"),
    (FOUR, "4c_accuracy", {f"runs 2.0 {LAST}": 0.95}, "falls by", "no worse than"),
    (FOUR, "4d_train_validation", {"runs 0.2 final train_accuracy": 0.95}, "every λ", "and 2"),
    (
        FOUR,
        "4d_train_validation",
        {"runs 2.0 final train_accuracy": 0.80},
        "gap grows",
        "not simply",
    ),
    (FOUR, "4e_norm", {"norm_exponent": -1.0}, "leaves 45%", "leaves 10%"),
    (
        *(FOUR, "appendix_weights", {"runs 2.0 total_variation_over_size": 1.1}),
        *("falls steadily", "does not fall"),
    ),
]


def changed(task: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The measured numbers with some replaced; a path's keys are apart by spaces, _ for a space."""
    metrics = copy.deepcopy(METRICS[task])
    for path, value in changes.items():
        *keys, last = [key.replace(":_", ": ") for key in path.split(" ")]
        reduce(lambda inner, key: inner[key], keys, metrics)[last] = value
    return metrics


def said(task: str, figure: str, metrics: dict[str, Any]) -> str:
    narrative = NARRATIVES[task]
    if figure == OVERVIEW:
        return narrative.overview(metrics)
    caption = narrative.captions[figure](metrics)
    return f"{caption.alt} {caption.text}"


@pytest.mark.parametrize(("task", "figure", "changes", "before", "after"), FLIPS)
def test_a_sentence_follows_its_numbers(task, figure, changes, before, after):
    measured = said(task, figure, METRICS[task])
    assert before in measured
    assert after not in measured
    text = said(task, figure, changed(task, changes))
    assert before not in text
    assert after in text


@pytest.mark.parametrize(
    ("task", "figure"), [(task, name) for task, n in NARRATIVES.items() for name in n.captions]
)
def test_every_figure_has_words_that_say_what_it_shows(task, figure):
    caption = NARRATIVES[task].captions[figure](METRICS[task])
    assert caption.title
    assert any(character.isdigit() for character in caption.alt)
    assert caption.alt.endswith(".")
    assert caption.text.endswith(".")
    assert "nan" not in f"{caption.alt} {caption.text}".lower().split()


def without_evaluations(value: Any) -> Any:
    """The numbers of a run that diverged at once: no evaluation, and nothing finite."""
    if isinstance(value, dict):
        cut = {key: without_evaluations(each) for key, each in value.items()}
        if "final" in value:
            cut |= {"final": {}, "outcome": "diverged at step 0", LAST: None}
            cut |= {"weight_norm": float("inf"), "total_variation_over_size": None}
            cut["lowest_validation_loss"] = {"step": 0, "validation_loss": float("inf")}
        return cut
    return value


@pytest.mark.parametrize("task", NARRATIVES)
def test_a_run_that_diverged_has_its_words_too(task):
    metrics = without_evaluations(METRICS[task])
    assert NARRATIVES[task].overview(metrics)
    drawn = {*NARRATIVES[task].captions} - {"4e_norm"}  # that one needs norms that are finite
    for name in drawn:
        alt = NARRATIVES[task].captions[name](metrics).alt
        assert alt
        assert "inf" not in alt.split()


@pytest.mark.parametrize("kept", ["sequential", "stochastic"])
def test_task_3_speaks_only_of_the_validation_set_it_has(kept):
    [other] = {"sequential", "stochastic"} - {kept}
    metrics = {name: value for name, value in METRICS[THREE].items() if name != other}
    for figure in (OVERVIEW, "3b_loss", "3c_accuracy", "3d_class_shares"):
        text = said(THREE, figure, metrics)
        assert kept in text
        assert other not in text


@pytest.mark.parametrize("factors", [["0.0"], ["2.0"], ["0.0", "2.0"], ["0.2", "2.0"]])
def test_task_4_speaks_of_as_many_factors_as_there_are(factors):
    metrics = METRICS[FOUR] | {"runs": {l2: METRICS[FOUR]["runs"][l2] for l2 in factors}}
    for figure in (OVERVIEW, "4b_weights", "4c_accuracy", "4d_train_validation"):
        assert said(FOUR, figure, metrics)
