"""Numbers of published claims, compared with those of a run: what rounding explains."""

from dataclasses import replace

import numpy as np

from experiments.verify import verifying
from experiments.verify.causes import Cause
from experiments.verify.comparing import compare, interval
from experiments.verify.published import CLAIMS, Published
from experiments.verify.verifying import Verified


def test_a_verdict_that_rounding_turns_is_not_blamed_on_the_code():
    moved = [*compare({"a": 1.0}, {"a": 1.0 + 1e-7}, [{"a": 1.0 - 1e-7}])]
    turned = [*compare({"verdict": "confirmed"}, {"verdict": "refuted"}, [])]
    found = Verified("noise", 1, moved, turned, [], same_judge=True)
    assert not found.agrees
    assert [each.cause for each in found.why] == [Cause.ROUNDING]
    [why] = replace(found, same_judge=False).why
    assert why.cause is Cause.CODE  # what judges is another


def test_the_reach_of_rounding_is_that_of_the_runs():
    rng = np.random.default_rng(0)
    level, outside = 0.05, 0
    for _ in range(2000):
        *seen, one_more = rng.normal(3.0, 1e-7, 5)
        middle, reach = interval(seen, level)
        outside += abs(one_more - middle) > reach
    assert 0.03 < outside / 2000 < 0.07
    assert interval([0.1, 0.1, 0.1], level)[1] == 0  # whatever the mean rounds to


def test_an_error_of_rounding_is_not_compared():
    task, claim = CLAIMS["gradient-1a"]
    worst = {"passes": True, "failed": [], "relative": 1e-6}
    entry = Published({}, task, claim, task.settings(), {})
    found = verifying._behind(entry, {"gradients": {"1a": {"float32": worst}, "1b": {}}})
    assert found == {"gradients/1a/float32/passes": True}


def test_numbers_that_come_and_go_with_rounding_are_not_compared():
    [moved] = compare({"spikes[1]": 130}, {}, [{"spikes[1]": 130}, {}])
    assert moved.explained
    [moved] = compare({"spikes[1]": 130}, {}, [{}, {}])
    assert not moved.explained
