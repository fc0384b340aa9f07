"""Published claims as files, and their numbers compared with others: nothing is run again."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_report import SmallReport

from experiments.common.command import exit_code
from experiments.verify import verifying
from experiments.verify.__main__ import run
from experiments.verify.causes import Cause
from experiments.verify.comparing import compare, interval
from experiments.verify.published import CLAIMS, Published
from experiments.verify.verifying import Verified

# what is no claims file: how it is damaged, what the message says
DAMAGE: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text[: len(text) // 2], "is not JSON .* get it again"),
    (lambda text: "", "is not JSON"),
    (lambda text: '{"claims": 3}', "holds no claims"),
    (lambda text: "[]", "holds no claims"),
    (lambda text: "[" * 10**5, "is not JSON"),
    (lambda text: text.replace('"settings"', '"x"'), "no settings, so it can't be verified"),
    (lambda text: text.replace('"schedule"', '"speed"'), "'speed' is no claim of this version"),
    (lambda text: text.replace('"epochs"', '"laps"'), "differ in epochs and laps"),
    (lambda text: re.sub(r'"epochs": \d+', '"epochs": "x"', text), "setting epochs is 'x'"),
    (lambda text: re.sub(r'"epochs": \d+', '"epochs": -1', text), "epochs is -1"),
    (lambda text: text.replace('"checks"', '"tests"'), "no verdict and checks"),
]


@pytest.fixture
def published(small_report: SmallReport) -> Path:
    return small_report.folder / "claims.json"


@pytest.mark.parametrize(("damage", "message"), DAMAGE)
def test_what_is_no_claims_file_is_one_message_and_code_2(
    damage, message, published: Path, tmp_path: Path, capsys
):
    file = tmp_path / "claims.json"
    file.write_text(damage(published.read_text(encoding="utf-8")), encoding="utf-8")
    assert exit_code(lambda: run([str(file)])) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_a_claim_that_the_file_has_not_is_one_message(published: Path, capsys):
    assert exit_code(lambda: run([str(published), "--claim", "stoping-step"])) == 2
    assert "no claim 'stoping-step'; it has gradient-1a" in capsys.readouterr().err
    assert exit_code(lambda: run([f"{published}.not"])) == 2
    assert "can't be read: No such file" in capsys.readouterr().err


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
