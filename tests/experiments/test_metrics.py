"""The numbers of the experiments on inputs whose answers are known."""

import numpy as np
import pytest

from experiments.task1_gradients.errors import BALL_STEPS, STEPS, Errors, Pair, errors_metrics
from experiments.task1_gradients.figures import NAMES, steps
from experiments.task2_logistic.spikes import find_spikes
from experiments.task3_softmax.metrics import draw_selections, draws_metrics
from experiments.task4_regularization.metrics import norm_exponent, total_variation


def test_spikes_are_found_where_they_are():
    accuracy = np.full(100, 0.98)
    accuracy[[5, 33, 61]] = 0.9  # the first in the first epoch, which does not count
    accuracy[70] = 0.97  # too shallow
    spikes = find_spikes(accuracy, np.arange(100), steps_per_epoch=28)
    assert spikes["count"] == 2
    assert spikes["steps"].tolist() == [33, 61]
    assert spikes["batches"].tolist() == [5, 5]
    assert spikes["epochs"].tolist() == [1, 2]
    assert spikes["depths"] == pytest.approx([0.08, 0.08])


def test_random_selections_of_an_even_test_set_find_nothing_odd():
    correct = np.arange(10_000) % 10 > 0
    numbers = draws_metrics(draw_selections(correct, size=2000, seed=0))
    assert numbers["accuracy"] == numbers["sequential_accuracy"] == 0.9
    # drawn without replacement: p (1 - p) / n, less by the share not drawn
    deviation = np.sqrt(0.9 * 0.1 / 2000 * 0.8)
    assert numbers["random_selections"]["standard_deviation"] == pytest.approx(deviation, rel=0.1)
    above = numbers["sequential_standard_deviations_above_mean"]
    assert above is not None
    assert abs(above) < 0.1


def test_an_easy_end_of_the_test_set_stands_out():
    correct = np.arange(10_000) % 10 > 0
    correct[-2000:] = True
    numbers = draws_metrics(draw_selections(correct, size=2000, seed=0))
    assert numbers["sequential_accuracy"] == 1 > numbers["random_selections"]["maximum"]
    assert numbers["accuracy_by_thousand"].tolist() == [0.9] * 8 + [1] * 2


def test_the_whole_test_set_has_no_deviation():
    numbers = draws_metrics(draw_selections(np.arange(10_000) % 2 > 0, size=10_000, seed=0))
    assert numbers["sequential_standard_deviations_above_mean"] is None


@pytest.mark.parametrize("exponent", [-1.0, -0.35, 0.5])
def test_the_exponent_of_a_power_law(exponent):
    norms = {l2: 3 * l2**exponent for l2 in (0.002, 0.02, 0.2, 2.0)}
    assert norm_exponent({0.0: 5.0} | norms) == pytest.approx(exponent)
    assert norm_exponent({0.0: 5.0, 2.0: 1.0}) is None


def test_total_variation_of_a_step_and_of_a_point():
    step, point = np.zeros((28, 28)), np.zeros((28, 28))
    step[:, 14:] = 1
    point[10, 10] = 1
    weights = np.stack([np.append(image.ravel(), 7.0) for image in (step, point)])
    assert total_variation(weights[:1]) == 28
    assert total_variation(weights[1:]) == 4
    assert total_variation(weights) == 32


def test_errors_that_are_not_numbers_are_drawn_and_counted_all_the_same():
    nothing = np.full(len(STEPS), np.nan)
    by_coordinate = {pair: np.array([0.0, 1e-7]) for pair in Pair}
    curves = {"float32": nothing, "float64": nothing, "balls": nothing[: len(BALL_STEPS)]}
    found = Errors(by_coordinate, curves)
    measured = errors_metrics({"1a": found})["1a"]
    assert measured["by_coordinate"]["float32: autodiff"] == {"largest": 1e-7, "equal": 0.5}
    assert measured["central_differences"] == dict.fromkeys(curves)
    assert steps(dict.fromkeys(NAMES, found)).axes
