"""The command `python -m experiments.robustness`, on few settings, and the keeping of its parts."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.common.command import exit_code
from experiments.robustness import __main__ as command
from experiments.robustness import parts
from experiments.robustness.declared import (
    Declared,
    EveryStep,
    HeldOut,
    Optimum,
    Pairs,
    Penalty,
)
from experiments.robustness.parts import Part
from mnist_jax.data import Mnist
from mnist_jax.errors import UsageError

FEW = Declared(
    pairs=Pairs(digits=((2, 3),), learning_rates=(0.05,), batch_sizes=(128,), seeds=2),
    every_step=EveryStep(digits=((2, 3),), learning_rates=(0.05,), other_batch_sizes=()),
    held_out=HeldOut(
        train_sizes=(18_000,), batch_sizes=(128,), learning_rates=(0.01,), epochs=(50,), seeds=1
    ),
    penalty=Penalty(batch_sizes=(128,), learning_rates=(0.01,), epochs=(50,), seeds=1),
    optimum=Optimum(train_sizes=(2_000,), l2=(0.2, 2.0, 20.0)),
)


def run(folder: Path, declared: Declared = FEW, *flags: str, draw: bool = False) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "Declared", lambda: declared)
        if not draw:
            patch.setattr(command, "draw", lambda *found: {})
        return exit_code(lambda: command.run(["--quiet", "--output-dir", str(folder), *flags]))


@pytest.fixture(scope="module")
def done(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a command that has ended, after half a minute: its tests are exhaustive."""
    del mnist  # without the data, skipped with the reason
    folder = tmp_path_factory.mktemp("robustness")
    assert run(folder, draw=True) == 0
    return folder


@pytest.mark.exhaustive
def test_each_claim_has_an_entry_a_table_and_a_figure(done: Path):
    entries = json.loads((done / "robustness.json").read_text(encoding="utf-8"))
    assert len(entries) == 11
    for entry in entries:
        assert (done / f"robustness_{entry['claim']}.svg").is_file()
        with (done / f"{entry['claim']}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == entry["judged"]
        held = sum(row["verdict"] == "confirmed" for row in rows)
        assert held / len(rows) == pytest.approx(entry["share"])
    declared = json.loads((done / "declared.json").read_text(encoding="utf-8"))
    assert declared["declared"]["pairs"]["digits"] == [[2, 3]]
    verdicts = {entry["claim"]: entry["verdict"] for entry in entries}
    assert verdicts["stopping-step"] == verdicts["spike-count"] == "confirmed"
    assert verdicts["spike-place"] == verdicts["norm-inverse"] == "refuted"


@pytest.mark.exhaustive
def test_the_spikes_move_with_the_images_and_the_accuracy_changes_with_the_writers(done: Path):
    entries = json.loads((done / "robustness.json").read_text(encoding="utf-8"))
    measured = {entry["claim"]: entry["measured"] for entry in entries}
    content = measured["spike-place"]
    assert content["own"]["batch"] == 18
    assert content["own"]["rank"]["one_sidedness"] == 1
    assert content["rotations"]["followed"] == content["rotations"]["tried"] == 28
    assert abs(measured["too-good"]["own"]["change_point"] - 5_001) < 200


@pytest.mark.exhaustive
def test_the_same_command_trains_nothing_again(done: Path, monkeypatch):
    before = (done / "robustness.json").read_bytes()
    monkeypatch.setattr(parts, "_train", lambda part, *rest: pytest.fail(f"{part.name} again"))
    assert run(done) == 0
    assert (done / "robustness.json").read_bytes() == before


@pytest.mark.exhaustive
def test_a_damaged_part_is_trained_again(done: Path, monkeypatch, capsys):
    before = (done / "robustness.json").read_bytes()
    path = done / "parts" / "every_step" / "digits-2-3-batch-128.npy"
    path.write_bytes(path.read_bytes()[:-5])
    train, trained = parts._train, []
    monkeypatch.setattr(
        parts, "_train", lambda part, *r: trained.append(part.name) or train(part, *r)
    )
    assert run(done) == 0
    assert trained == ["digits-2-3-batch-128"]
    assert f"{path} is damaged" in capsys.readouterr().err
    assert (done / "robustness.json").read_bytes() == before


@pytest.mark.exhaustive
def test_runs_of_other_settings_are_not_mixed_or_lost(done: Path, capsys):
    other = replace(FEW, penalty=replace(FEW.penalty, epochs=(50, 10)))
    kept = sorted(done.rglob("*.npy"))
    assert run(done, other) == 2
    error = capsys.readouterr().err
    assert str(done / "parts" / "penalty") in error
    assert "--overwrite" in error
    assert sorted(done.rglob("*.npy")) == kept


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path, capsys):
    (tmp_path / "file").touch()
    assert run(tmp_path / "file" / "folder") == 2
    assert "can't be written to" in capsys.readouterr().err


def a_part(name: str, trained: list[str]) -> Part:
    def train(mnist: Mnist) -> np.ndarray:
        trained.append(name)
        return np.zeros(2, [("seed", np.int32)])

    return Part(name, 2, train)


def test_what_is_done_is_kept_after_an_interruption(mnist: Mnist, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(parts.os, "cpu_count", lambda: 1)
    trained: list[str] = []
    some = {"family": [a_part(name, trained) for name in "abc"]}
    begun = parts.begin(tmp_path / "family", {"seeds": 2}, mnist.sha256, overwrite=False)
    kept = {"family": begun}

    def interrupt(done: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.train(some, kept, mnist, interrupt)
    first = list(trained)
    assert "a" in first
    trained.clear()
    counts: list[int] = []
    assert {*parts.train(some, kept, mnist, counts.append)["family"]} == {"a", "b", "c"}
    assert sorted([*first, *trained]) == ["a", "b", "c"]
    assert counts[0] == 2 * len(first)
    assert counts[-1] == 6


def test_overwrite_begins_anew(mnist: Mnist, tmp_path: Path):
    trained: list[str] = []
    one = {"family": [a_part("a", trained)]}
    kept = parts.begin(tmp_path, {"seeds": 2}, mnist.sha256, overwrite=False)
    parts.train(one, {"family": kept}, mnist, lambda done: None)
    with pytest.raises(UsageError, match="other declared settings"):
        parts.begin(tmp_path, {"seeds": 3}, mnist.sha256, overwrite=False)
    kept = parts.begin(tmp_path, {"seeds": 3}, mnist.sha256, overwrite=True)
    parts.train(one, {"family": kept}, mnist, lambda done: None)
    assert trained == ["a", "a"]
