"""What is no file of published claims, or lacks the claim asked for, is one message."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from small_report import SmallReport

from experiments.common.command import exit_code
from experiments.verify.__main__ import run

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
