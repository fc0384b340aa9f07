"""Captions say what is drawn, and give the numbers of the run that they are for."""

import copy
from typing import Any

import pytest
from report_page import METRICS

from experiments.__main__ import TASKS
from experiments.task1_gradients.errors import Pair

ONE, TWO, THREE, FOUR = TASKS
FIGURES = [(task, name) for task in TASKS for name in task.captions]
LAST = "last_epoch_validation_accuracy"
every_figure = pytest.mark.parametrize(
    ("task", "name"), FIGURES, ids=lambda value: value if isinstance(value, str) else value.name
)


@every_figure
def test_every_caption_gives_numbers_and_says_what_is_drawn(task, name):
    caption = task.captions[name]
    text = caption.text(METRICS[task.name], own_setting=False)
    assert caption.title
    assert any(character.isdigit() for character in text)
    assert all(part.endswith(".") for part in (caption.shows, caption.meaning, text))
    assert caption.meaning not in text
    assert caption.text(METRICS[task.name]) == f"{text} {caption.meaning}"


@pytest.mark.parametrize(
    ("task", "name", "path", "value", "before", "after"),
    [
        (ONE, "1_errors", "errors 1b by_coordinate {} largest", 3e-4, "9e-07 (1b)", "3e-04 (1b)"),
        (ONE, "1_errors", "errors 1b by_coordinate {} largest", None, "9e-07 (1b)", "not finite"),
        (TWO, "2b_loss", "unshuffled stop_step lag", 80, "at: step 75", "at: step 80"),
        (TWO, "2b_loss", "unshuffled final", {}, "at the end", "1155; lag stops"),
        (TWO, "2c_accuracy", "validation_examples", 2000, "(9 of", "(40 of"),
        (TWO, "2d_stopping", "shuffled stop_steps lag stopped", 0, "1000 stopped", "none stopped"),
        (TWO, "2e_spike_position", "unshuffled spikes_every_step batches", [3, 3], "18", "batch 3"),
        (TWO, "2e_shuffling", "unshuffled spikes count", 0, "Spikes", "in file order: 0"),
        (FOUR, "4e_norm", "norm_exponent", -1.0, "line: -0.35", "line: -1.00"),
    ],
)
def test_a_caption_follows_its_numbers(task, name, path, value, before, after):
    metrics = copy.deepcopy(METRICS[task.name])
    *keys, last = [Pair.AUTODIFF if key == "{}" else key for key in path.split(" ")]
    inner = metrics
    for key in keys:
        inner = inner[key]
    inner[last] = value
    caption = task.captions[name]
    assert before in caption.text(METRICS[task.name])
    text = caption.text(metrics)
    assert text != caption.text(METRICS[task.name])
    assert after in text


def without_evaluations(value: Any) -> Any:
    """The numbers of a run that diverged at once: no evaluation, and nothing finite."""
    if not isinstance(value, dict):
        return value
    cut = {key: without_evaluations(inner) for key, inner in value.items()}
    if "final" in value:
        cut |= {"final": {}, "outcome": "diverged at step 0"}
        cut |= {LAST: None, "last_epoch_train_accuracy": None}
        cut |= {"weight_norm": float("inf"), "total_variation_over_size": None}
        cut["lowest_validation_loss"] = {"step": 0, "validation_loss": float("inf")}
    return cut


@every_figure
def test_what_was_not_measured_is_left_out(task, name):
    text = task.captions[name].text(without_evaluations(METRICS[task.name]), own_setting=False)
    assert not {"nan", "inf", "none"} & {*text.lower().replace(";", "").split()}


@pytest.mark.parametrize("kept", ["sequential", "stochastic"])
def test_captions_of_task_3_speak_only_of_the_validation_set_it_has(kept):
    [other] = {"sequential", "stochastic"} - {kept}
    metrics = {name: value for name, value in METRICS[THREE.name].items() if name != other}
    for name in ("3b_loss", "3c_accuracy", "3d_class_shares"):
        text = THREE.captions[name].text(metrics, own_setting=False)
        assert kept in text.lower()
        assert other not in text.lower()
