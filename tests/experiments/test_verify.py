"""Published claims are verified: what was planted moves, is named, and has the right cause."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planted import EDITS, FAULTS, LOSS, OTHER_DATA, PLACES
from sampling import sampled

from experiments.__main__ import TASKS
from experiments.common import provenance
from experiments.common.claims import judge
from experiments.common.progress import Progress
from experiments.common.provenance import record, seal
from experiments.common.settings import Settings
from experiments.common.task import config
from experiments.task2_logistic.settings import Task2Settings
from experiments.task3_softmax.settings import Task3Settings
from experiments.task4_regularization.settings import Task4Settings
from experiments.verify import __main__ as command
from experiments.verify import verifying
from experiments.verify.__main__ import run
from experiments.verify.causes import Cause, digests
from experiments.verify.published import CLAIMS, Published, read
from experiments.verify.rerun import Part, parts
from experiments.verify.verifying import Verified, verify
from mnist_jax.data import Examples, Mnist
from mnist_jax.results import write_json

SMALL: dict[str, Any] = {"train_size": 900, "validation_size": 300, "epochs": 8, "batch_size": 32}
SETTINGS: dict[str, Settings] = {
    "task2_logistic": Task2Settings(**SMALL, lag_seeds=3, patience_seeds=2, curve_seeds=2),
    "task3_softmax": Task3Settings(**SMALL),
    "task4_regularization": Task4Settings(**SMALL, l2=(0.0, 0.2, 2.0)),
}
QUIET = Progress(quiet=True)
Records = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def few(mnist: Mnist) -> Mnist:
    """As many images as the settings take, so that digests and turned images cost nothing."""
    train, test = mnist.train, mnist.test
    return Mnist(
        Examples(train.images[:900], train.labels[:900]),
        Examples(test.images[-600:], test.labels[-600:]),
        data_set="mnist",
    )


@pytest.fixture(scope="module")
def metrics(few: Mnist) -> dict[str, Any]:
    """The metrics of three tasks with small settings, by name."""
    return {t.name: t.measure(SETTINGS[t.name], few, QUIET).metrics for t in TASKS[1:]}


@pytest.fixture(scope="module")
def written(few: Mnist, metrics: dict[str, Any]) -> Records:
    """Their records, by the claims' ids."""
    made: Records = {}
    known = few._replace(sha256=digests(few))
    for task in TASKS[1:]:
        settings, found = SETTINGS[task.name], metrics[task.name]
        for claim in task.claims:
            judged = judge(claim, found, settings.changed())
            made[claim.statement.id] = record(
                claim, judged, settings, found, config(settings, known)
            )
    return json.loads(json.dumps(made))


@pytest.fixture(scope="module")
def remembered() -> Callable[..., Any]:
    """Remembers what a function of this module gave for a part: settings decide it."""
    kept: dict[Any, Any] = {}

    def remember(function: Callable[..., Any]) -> Callable[..., Any]:
        def once(part: Part, *rest: Any) -> Any:
            key = (function, part.task.name, part.settings)
            if key not in kept:
                given = function(part, *rest)
                kept[key] = given if isinstance(given, dict) else [*given]
            return kept[key]

        return once

    return remember


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch, remembered: Callable[..., Any]) -> None:
    """Runs nothing twice: for what is planted in a file, not in the code or in the data."""
    for function in (verifying.measure, verifying.rounded_otherwise):
        monkeypatch.setattr(verifying, function.__name__, remembered(function))


def verified(folder: Path, entry: dict[str, Any], few: Mnist) -> Verified:
    file = folder / "claims.json"
    file.write_text(json.dumps([entry]), encoding="utf-8")
    [found] = verify(read(file, ()), few, QUIET)
    return found


def put(entry: dict[str, Any], path: str, value: object) -> object:
    *keys, last = path.split("/")
    inner: Any = entry
    for key in keys:
        inner = inner[key]
    before, inner[last] = inner[last], value
    return before


def test_every_claim_finds_its_numbers_in_real_metrics(metrics: dict[str, Any]):
    for task in TASKS[1:]:
        for claim in task.claims:
            measured = claim.measured(metrics[task.name])
            assert measured.text
            assert all(condition.statement for condition in measured.conditions)


@pytest.mark.usefixtures("once")
def test_what_nobody_touched_agrees(written: Records, few: Mnist, tmp_path: Path):
    for name in ("stopping-step", "shuffling", "class-shares", "too-good", "noise"):
        found = verified(tmp_path, written[name], few)
        assert (found.agrees, found.moved, found.found) == (True, [], []), name
        assert found.compared >= 2


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(("claim", "place", "value", "number"), EDITS)
def test_a_file_that_was_changed_is_found_out(
    claim, place, value, number, written: Records, few: Mnist, tmp_path: Path
):
    entry = copy.deepcopy(written[claim])
    put(entry, place, value)
    found = verified(tmp_path, entry, few)
    assert not found.agrees
    assert {each.cause for each in found.why} == {Cause.FILE}
    assert number is None or number in [each.name for each in found.beyond]
    part = place.split("/")[0]
    assert f"its {'claim' if part == 'verdict' else part} is not the sealed" in found.why[0].what


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(("place", "value", "factor", "cause", "named"), PLACES)
def test_what_differs_between_two_places_is_the_cause_if_a_number_moved(
    place, value, factor, cause, named, written: Records, few: Mnist, tmp_path: Path
):
    entry = copy.deepcopy(written["stopping-step"])
    part, name = place.split("/", 1)
    if part == "environment":
        put(entry, place, value)
    else:
        entry[part][name] = value
    loss = entry["numbers"]["unshuffled"]["final"]["validation_loss"]
    put(entry, f"numbers/{LOSS}", loss * factor)
    entry["seal"] = seal(entry)
    found = verified(tmp_path, entry, few)
    assert found.agrees == (cause is None)
    assert [each.name for each in found.moved] == ([] if factor == 1 else [LOSS])
    reasons = found.found if cause is None else found.why
    assert named in reasons[0].what
    assert cause is None or {each.cause for each in reasons} == {cause}


@pytest.mark.parametrize(("claim", "change", "files"), OTHER_DATA)
def test_other_data_are_named(claim, change, files, written: Records, few: Mnist, tmp_path: Path):
    found = verified(tmp_path, written[claim], change(few))
    assert found.beyond
    assert {each.cause for each in found.why} == {Cause.DATA}
    assert {each.what.split()[0] for each in found.why} == files


@pytest.mark.parametrize(("claim", "where", "fault", "number"), sampled(FAULTS, every=3))
def test_a_change_of_the_code_is_named(
    claim, where, fault, number, written: Records, few: Mnist, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(*where, fault)
    found = verified(tmp_path, written[claim], few)
    assert number in [each.name for each in found.beyond]
    assert {each.cause for each in found.why} == {Cause.CODE}


def test_the_folder_whose_code_changed_is_named(
    written: Records, few: Mnist, tmp_path: Path, monkeypatch
):
    entry = copy.deepcopy(written["class-shares"])
    put(entry, "numbers/sequential/class_distribution_percent", [10.0] * 10)
    entry["seal"] = seal(entry)
    sources = provenance._sources
    monkeypatch.setattr(
        provenance,
        "_sources",
        lambda folder, name: sources(folder, name) + b"\n" * (folder.name == "data"),
    )
    found = verified(tmp_path, entry, few)
    [why] = found.why
    assert (why.cause, why.what.split()[0]) == (Cause.CODE, "mnist_jax/data")


@pytest.mark.parametrize("name", CLAIMS)
def test_alone_a_claim_has_the_numbers_that_it_has_with_others(name, written: Records):
    if name.startswith("gradient"):
        return
    task, claim = CLAIMS[name]
    entry = Published(written[name], task, claim, SETTINGS[task.name], {})
    [part] = parts([entry])
    assert {key: getattr(part.settings, key) for key in claim.alone} == {**claim.alone}


@pytest.mark.usefixtures("once")
def test_the_command_says_what_moved_and_why(
    written: Records, few: Mnist, tmp_path: Path, monkeypatch, capsys
):
    published = tmp_path / "claims.json"
    write_json(published, list(written.values()))
    monkeypatch.setattr(command, "load", lambda settings: few)
    chosen = ["--claim", "spike-place", "stopping-step", "--quiet"]
    assert run([str(published), *chosen]) == 0
    first, *_, total = capsys.readouterr().out.splitlines()
    [compared] = re.findall(r"stopping-step: agrees, (\d+) numbers", first)
    assert total == "2 of 2 claims agree"
    text = published.read_text(encoding="utf-8")
    steps = re.compile('"steps_per_epoch": (\\d+)')
    published.write_text(steps.sub('"steps_per_epoch": 99', text), encoding="utf-8")
    assert run([str(published), *chosen]) == 1
    agreeing, *moved, total = capsys.readouterr().out.splitlines()
    assert moved == [
        "spike-place: MOVED (23 numbers compared)",
        f"  steps_per_epoch is {steps.findall(text)[0]}, in the file 99; rounding does not move it",
        f"  because of {Cause.FILE}: the digest of its numbers is not the sealed one",
    ]
    assert agreeing == f"stopping-step: agrees, {compared} numbers"
    assert total == "1 of 2 claims agree"
