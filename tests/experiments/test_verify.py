"""Published claims are verified: what was planted moves, is named, and has the right cause."""

import copy
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling import sampled

from experiments.__main__ import TASKS
from experiments.common import provenance
from experiments.common.claims import judge
from experiments.common.command import exit_code
from experiments.common.progress import Progress
from experiments.common.provenance import record, seal
from experiments.common.settings import Settings
from experiments.common.task import config
from experiments.task2_logistic import __main__ as task2
from experiments.task2_logistic import metrics as task2_metrics
from experiments.task2_logistic.settings import Task2Settings
from experiments.task3_softmax import __main__ as task3
from experiments.task3_softmax.settings import Task3Settings
from experiments.task4_regularization import __main__ as task4
from experiments.task4_regularization.settings import Task4Settings
from experiments.verify import __main__ as command
from experiments.verify import verifying
from experiments.verify.__main__ import run
from experiments.verify.causes import Cause, digests
from experiments.verify.comparing import compare, interval
from experiments.verify.published import CLAIMS, Published, read
from experiments.verify.rerun import Part, parts
from experiments.verify.verifying import Verified, verify
from mnist_jax import gradients
from mnist_jax.data import Examples, Mnist
from mnist_jax.models import softmax
from mnist_jax.results import write_json
from mnist_jax.training import Lag, Shuffled, hyperparameters

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


LOSS = "unshuffled/final/validation_loss"
# what is changed in the file after it was written: claim, place, value, number that moves
EDITS = [
    ("stopping-step", f"numbers/{LOSS}", 0.25, LOSS),
    ("spike-place", "numbers/steps_per_epoch", 29, "steps_per_epoch"),
    ("too-good", "numbers/test_set/accuracy", 0.5, "test_set/accuracy"),
    ("slight-overfitting", "settings/seed", 7, "stochastic/final/validation_accuracy"),
    ("stopping-step", "settings/learning_rate", 0.06, LOSS),
    ("too-good", "settings/batch_size", 16, "test_set/accuracy"),
    ("norm-inverse", "settings/l2", [0.0, 0.3, 2.0], "runs/0.2/weight_norm"),
    ("stopping-step", "verdict", "confirmed", "verdict"),
    ("stopping-step", "environment/packages/jax", "0.10.2", None),
    ("stopping-step", "data/t10k-labels-idx1-ubyte", "0" * 64, None),
]


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


# what an honest file of another place says of it, a number that differs by a factor, the cause
PLACES = [
    ("environment/packages/jax", "0.10.2", 1.01, Cause.VERSIONS, "jax is"),
    ("environment/packages/numpy", "1.0", 1.01, Cause.VERSIONS, "numpy is"),
    ("environment/python", "2.7", 1.01, Cause.VERSIONS, "python is"),
    ("environment/device", "TPU v5", 1.01, Cause.VERSIONS, "device is"),
    ("environment/threads", 99, 1.01, Cause.VERSIONS, "threads is"),
    ("code/mnist_jax/training", "0" * 16, 1.01, Cause.CODE, "mnist_jax/training is"),
    ("data/train-labels-idx1-ubyte", "0" * 64, 1.01, Cause.DATA, "train-labels-idx1-ubyte is"),
    ("environment/packages/jax", "0.10.2", 1 + 2e-8, None, "jax is"),
    ("code/mnist_jax/training", "0" * 16, 1 + 2e-8, None, "mnist_jax/training is"),
    ("environment/device", "TPU v5", 1, None, "device is"),
    ("environment/packages/matplotlib", "9", 1.01, Cause.CODE, "what ran here or there"),
]


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


def flipped_label(mnist: Mnist) -> Mnist:
    labels = mnist.train.labels.copy()
    two = np.flatnonzero(labels[:900] == 2)[0]
    labels[two] = 3
    return mnist._replace(train=mnist.train._replace(labels=labels))


def swapped_images(mnist: Mnist) -> Mnist:
    order = np.arange(len(mnist.test.labels))
    order[[0, -1]] = order[[-1, 0]]
    return mnist._replace(test=type(mnist.test)(*(values[order] for values in mnist.test)))


def one_pixel(mnist: Mnist) -> Mnist:
    images = mnist.train.images.copy()
    images[5, 400] ^= 255
    return mnist._replace(train=mnist.train._replace(images=images))


@pytest.mark.parametrize(
    ("claim", "change", "files"),
    [
        ("stopping-step", flipped_label, {"train-labels-idx1-ubyte"}),
        ("class-shares", swapped_images, {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}),
        ("stopping-step", one_pixel, {"train-images-idx3-ubyte"}),
    ],
)
def test_other_data_are_named(claim, change, files, written: Records, few: Mnist, tmp_path: Path):
    found = verified(tmp_path, written[claim], change(few))
    assert found.beyond
    assert {each.cause for each in found.why} == {Cause.DATA}
    assert {each.what.split()[0] for each in found.why} == files


def wrong_gradient(w, inputs, targets, l2):
    return 1.001 * gradients.softmax_gradient(w, inputs, targets)


def half_the_penalty(w, inputs, targets, l2):
    return gradients.softmax_gradient(w, inputs, targets) + l2 * w


# what is planted in the code: the claim, where, what, the number that moves
FAULTS = [
    (
        "too-good",
        (task3, "softmax"),
        softmax._replace(gradient=wrong_gradient),
        "sequential/final/validation_loss",
    ),
    (
        "sensitivity",
        (task2_metrics, "CRITERIA"),
        {**task2_metrics.CRITERIA, "lag": Lag(3)},
        "unshuffled/stop_step/lag",
    ),
    (
        "too-good",
        (task3.training, "shuffled"),
        lambda seeds: Shuffled([seed + 1 for seed in seeds]),
        "sequential/final/validation_loss",
    ),
    (
        "norm-inverse",
        (task4, "softmax"),
        softmax._replace(gradient=half_the_penalty),
        "runs/0.2/weight_norm",
    ),
    (
        "stopping-step",
        (task2.training, "hyperparameters"),
        lambda rate, l2: hyperparameters(1.02 * rate, l2),
        LOSS,
    ),
    (
        "too-good",
        (task3, "correct_on_test_set"),
        lambda mnist, run, precision: mnist.test.labels != 4,
        "test_set/accuracy",
    ),
    (
        "slight-overfitting",
        (Task3Settings, "split"),
        lambda self, *given: Settings.split(replace(self, seed=1), *given),
        "stochastic/final/validation_accuracy",
    ),
]


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


def test_a_verdict_that_rounding_turns_is_not_blamed_on_the_code(written: Records):
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


@pytest.mark.parametrize("name", CLAIMS)
def test_alone_a_claim_has_the_numbers_that_it_has_with_others(name, written: Records):
    if name.startswith("gradient"):
        return
    task, claim = CLAIMS[name]
    entry = Published(written[name], task, claim, SETTINGS[task.name], {})
    [part] = parts([entry])
    assert {key: getattr(part.settings, key) for key in claim.alone} == {**claim.alone}


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


@pytest.fixture(scope="module")
def published(written: Records, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("published") / "claims.json"
    write_json(file, list(written.values()))
    return file


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
    assert "no claim 'stoping-step'; it has schedule" in capsys.readouterr().err
    assert exit_code(lambda: run([f"{published}.not"])) == 2
    assert "can't be read: No such file" in capsys.readouterr().err


@pytest.mark.usefixtures("once")
def test_the_command_says_what_moved_and_why(
    published: Path, few: Mnist, tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.setattr(command, "load", lambda settings: few)
    chosen = ["--claim", "spike-place", "stopping-step", "--quiet"]
    assert run([str(published), *chosen]) == 0
    first, *_, total = capsys.readouterr().out.splitlines()
    [compared] = re.findall(r"stopping-step: agrees, (\d+) numbers", first)
    assert total == "2 of 2 claims agree"
    file = tmp_path / "claims.json"
    text = published.read_text(encoding="utf-8")
    steps = re.compile('"steps_per_epoch": (\\d+)')
    file.write_text(steps.sub('"steps_per_epoch": 99', text), encoding="utf-8")
    assert run([str(file), *chosen]) == 1
    agreeing, *moved, total = capsys.readouterr().out.splitlines()
    assert moved == [
        "spike-place: MOVED (23 numbers compared)",
        f"  steps_per_epoch is {steps.findall(text)[0]}, in the file 99; rounding does not move it",
        f"  because of {Cause.FILE}: the digest of its numbers is not the sealed one",
    ]
    assert agreeing == f"stopping-step: agrees, {compared} numbers"
    assert total == "1 of 2 claims agree"
