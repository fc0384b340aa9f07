"""How far a claim holds: the share, the smallest change, and the explanations, on planted cases."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import binomtest

from experiments.common.claims import Claim, Limit, Measured, limited
from experiments.reported import Statement
from experiments.robustness import batches, judging, optimum, regularizing, stopping
from experiments.robustness import held_out as on_test_set
from experiments.robustness.declared import PAIRS, Declared
from experiments.robustness.specification import Multiverse, multiverse
from experiments.task4_regularization import claims as task4
from mnist_jax.data import Examples
from mnist_jax.models import objective, softmax
from mnist_jax.precision import in_precision
from mnist_jax.training import Lag, Patience, stopping_step

MEASURED = Path(__file__).parents[2] / "docs" / "measured"
OWN = {"rate": 0.05, "digits": (2, 3)}


def planted(value: Any) -> Multiverse:
    """A claim that holds where a function of the setting is at most 1; NaN says nothing of it."""
    limit = Limit("<=", 1, "planted")

    def measured(number: float) -> Measured:
        known = (limited("at most 1", number, limit),) if np.isfinite(number) else ()
        return Measured("", known)

    statement = Statement("planted", "task", "it is small")
    claim = Claim(statement, measured, needs=(), evidence="", numbers=(), alone={}, errors=())
    settings = [
        {"rate": rate, "digits": digits}
        for rate, digits in product((0.01, 0.02, 0.05, 0.1), ((2, 3), (3, 5), (4, 5)))
    ]
    return multiverse(claim, OWN, ("digits",), [(each, value(**each)) for each in settings])


def test_the_share_is_that_of_the_settings_that_can_be_judged():
    found = planted(lambda rate, digits: np.nan if digits == (4, 5) else 20 * rate)
    entry = judging.entry(found, 0.95)
    assert (entry["verdict"], entry["holds"], entry["judged"]) == ("confirmed", True, 8)
    assert entry["share"] == 0.75
    assert entry["settings"] == {"rate": [0.01, 0.02, 0.05, 0.1], "digits": [(2, 3), (3, 5)]}
    # two pairs of digits, in each of which it holds at three rates of four
    assert entry["interval"]["units"] == 2
    assert entry["interval"]["limits"] == pytest.approx(judging.clopper_pearson(0.75, 2, 0.95))


@pytest.mark.parametrize(("hits", "count"), [(0, 45), (7, 45), (45, 45), (1, 2)])
def test_the_interval_is_the_exact_binomial_one(hits: int, count: int):
    exact = binomtest(hits, count).proportion_ci(0.9, "exact")
    found = judging.clopper_pearson(hits / count, count, 0.9)
    assert found == pytest.approx((exact.low, exact.high))


def test_the_smallest_change_is_the_nearest_level_that_turns_the_verdict():
    by_rate = planted(lambda rate, digits: 2.0 if rate < 0.05 or digits == (4, 5) else 0.0)
    flips = judging.flips(by_rate)
    assert flips["rate"] == {
        **{"from": 0.05, "to": 0.02, "verdict": "refuted", "distance": 1.0},
        **{"turning": 2, "tried": 3},
    }
    assert flips["digits"] is not None
    assert (flips["digits"]["to"], flips["digits"]["distance"]) == ((4, 5), 2.0)
    assert judging.smallest(flips) == {"factor": "rate", **(flips["rate"] or {})}
    # two changes at once are none of one setting
    both = planted(lambda rate, digits: 2.0 if rate < 0.05 and digits != (2, 3) else 0.0)
    assert judging.smallest(judging.flips(both)) is None


def test_the_share_by_threshold_passes_through_the_share_of_the_verdict():
    (condition,) = judging.entry(planted(lambda rate, digits: 20 * rate), 0.95)["conditions"]
    shares = dict(zip(condition["thresholds"], condition["shares"], strict=True))
    assert shares[condition["threshold"]] == condition["share"] == 0.75
    assert list(shares.values()) == sorted(shares.values())
    assert (min(shares.values()), max(shares.values())) == (0.25, 1.0)


@pytest.mark.parametrize("criterion", [Lag(3), Lag(10), Patience(3), Patience(10)])
def test_many_runs_stop_where_each_of_them_stops(criterion):
    rng = np.random.default_rng(0)
    noise = np.array([[0.0], [0.01], [0.02], [0.1]]) * rng.normal(size=(4, 60))
    losses = (1 + np.exp(-np.arange(60) / 20) + noise).astype(np.float32)
    one_by_one = [stopping_step(criterion, run, np.arange(60)) for run in losses]
    expected = [-1 if step is None else step for step in one_by_one]
    assert stopping.first_stops(criterion, losses).tolist() == expected
    assert len({*expected}) > 1


def test_a_change_of_the_accuracy_is_found_where_it_is():
    rng = np.random.default_rng(1)
    correct = rng.random(4000) < np.where(np.arange(4000) < 2500, 0.85, 0.97)
    assert abs(on_test_set.change_point(correct) - 2500) < 50
    accuracies = on_test_set.window_accuracies(correct, 1000)
    assert len(accuracies) == 3001
    assert accuracies[-1] == correct[-1000:].mean()


def test_spikes_that_follow_the_images_are_told_from_spikes_that_keep_their_place():
    epoch, epochs, batch = 6, 8, 4
    own = batches.Content({}, np.zeros(epoch), np.eye(epoch, dtype=int)[batch])

    def accuracy(place: int) -> np.ndarray:
        once = np.where(np.arange(epoch) == place, 0.8, 0.95)
        return np.tile(once, epochs)

    moving = np.array([accuracy((batch - first) % epoch) for first in range(epoch)])
    assert batches.followed(own, moving)["followed"] == epoch
    staying = np.array([accuracy(batch)] * epoch)
    assert batches.followed(own, staying)["followed"] == 1


def test_one_sidedness_finds_the_batch_of_one_kind_of_mistakes():
    labels = np.tile([0, 1], (3, 4))
    residuals = np.where(labels == 0, 0.1, -0.1)
    residuals[1] = np.where(labels[1] == 0, 0.9, -0.1)  # all the zeros are misread
    found = batches.Batches(np.zeros((3, 8, 784)), labels, residuals)
    assert np.abs(found.residuals.mean(axis=1)).argmax() == 1
    assert found.wrong.sum(axis=1).tolist() == [0, 4, 0]


@pytest.fixture(scope="module")
def examples() -> Examples:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (60, 784), np.uint8)
    return Examples(images, np.arange(60, dtype=np.int32) % 10)


@pytest.mark.parametrize("l2", [0.01, 1.0, 1000.0])
def test_the_optimum_is_one_of_the_objective_itself(examples: Examples, l2: float):
    # the line search of optax adds int32 to int64
    with in_precision("float64"), jax.numpy_dtype_promotion("standard"):
        problem = optimum.turned(examples)
        start = jnp.zeros((10, problem.inputs.shape[1]))
        found = optimum.minimize(problem, start, jnp.asarray(l2), 1e-8)
        weights, inputs = found.weights @ problem.axes.T, problem.inputs @ problem.axes.T
        gradient = jax.grad(lambda w: objective(softmax, w, inputs, problem.targets, l2))
        norm = float(jnp.linalg.norm(gradient(weights)))
        weights, at_zero = np.asarray(weights), np.asarray(gradient(start))
        ended = jax.device_get(found)
    assert norm < 1.1e-8
    assert ended.gradient == pytest.approx(norm, rel=0.1, abs=1e-12)
    assert ended.steps < optimum.STEPS
    if l2 == 1000:  # w is then about -grad C(0) / (2 lambda)
        np.testing.assert_allclose(weights, -at_zero / (2 * l2), rtol=0.05, atol=1e-8)


def test_the_norm_turns_inverse_where_the_local_exponent_says():
    l2 = np.logspace(-3, 2, 21)
    norms = 1 / (l2**0.35 + l2)
    rows = np.zeros(len(l2), optimum.COLUMNS)
    rows["l2"], rows["norm"] = l2, norms
    turned = regularizing.turning(rows)
    assert turned["exponent"][0] > -0.4
    assert abs(turned["exponent"][-1] + 1) < 0.05
    near = l2[np.abs(turned["exponent"] + 1) <= task4.NEAR_INVERSE.number]
    assert turned["near_inverse_from"] == near.min()
    assert 0.05 < turned["exponent_is_half_at"] < near.min()


def test_what_is_declared_is_what_the_issue_asks():
    declared = Declared()
    assert len(PAIRS) == len(set(PAIRS)) == 45
    assert declared.pairs.seeds == 20
    assert {0.02, 0.05, 0.1} <= {*declared.pairs.learning_rates}
    assert (2, 3) in declared.quick().pairs.digits
    assert len(declared.quick().pairs.digits) <= 5


def test_the_reports_own_setting_has_the_verdict_of_its_task():
    entries = json.loads((MEASURED / "robustness.json").read_text(encoding="utf-8"))
    claims = json.loads((MEASURED / "claims.json").read_text(encoding="utf-8"))
    verdicts = {claim["id"]: claim["verdict"] for claim in claims}
    assert len(entries) == 11
    for entry in entries:
        assert {"claim", "settings", "holds", "share", "interval", "smallest_flip"} <= {*entry}
        assert entry["verdict"] == verdicts[entry["claim"]]
        assert entry["holds"] == (entry["verdict"] == "confirmed")
        assert entry["interval"]["limits"][0] <= entry["share"] <= entry["interval"]["limits"][1]
        assert all(condition["reason"] for condition in entry["conditions"])
