"""The gradient checker catches mistakes and passes what is right; the command says how often."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import docs
from experiments.common.command import exit_code
from experiments.controls import __main__ as command
from experiments.controls import checking, problems, summary
from experiments.controls.checking import check_mutation, check_problem
from experiments.controls.families import FAMILIES
from experiments.controls.foreign import FOREIGN, judging
from experiments.controls.mutations import MUTATIONS
from experiments.controls.peers import comparing
from experiments.controls.tasks import TASKS
from experiments.controls.workers import spread
from mnist_jax.errors import UsageError
from mnist_jax.gradcheck import check
from mnist_jax.gradients import softmax_gradient

pytestmark = pytest.mark.usefixtures("quick_compilation")

DOCS = Path(__file__).parents[2] / "docs"
both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def test_every_mistake_has_its_own_name():
    assert len(MUTATIONS) >= 36
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    assert {mutation.task for mutation in MUTATIONS} == set(TASKS)


@both_precisions
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_wrong_gradient_looks_like_the_right_one(mutation, dtype):
    with jax.enable_x64(dtype == "float64"):
        arguments = [np.asarray(value, dtype) for value in mutation.arguments()]
        wrong = jax.eval_shape(mutation.gradient, *arguments)
        right = jax.eval_shape(TASKS[mutation.task].gradient, *arguments)
    assert wrong == right


# one of each task, because each is compiled: .ci/run calls the command, which checks all of them
@pytest.mark.parametrize("task", TASKS)
def test_a_mistake_is_caught_in_either_precision_alone(task):
    verdict = check_mutation(next(m.name for m in MUTATIONS if m.task == task))
    assert verdict.float32
    assert verdict.float64
    assert verdict.diagnosis


def test_a_transposed_gradient_is_refused():
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == "sum")
    with pytest.raises(UsageError, match=r"\[20, 5\].*transposed"):
        check(TASKS["1b"].loss, lambda *a: softmax_gradient(*a).T, *mutation.arguments())


# three families of one shape, because each shape is compiled: .ci/run calls the command, which
# checks all 500
def test_right_gradients_pass_on_extreme_problems():
    kinds = [problems.problem(number, seed=1).kind for number in range(500)]
    assert {kind.family for kind in kinds} == set(FAMILIES)
    chosen = {k.family: k for k in kinds if (k.task, k.shape) == ("1b", problems.SHAPES[2])}
    assert len(chosen) > 8
    numbers = [kind.number for kind in chosen.values()]
    outcomes = [check_problem(number, seed=1) for number in numbers[:3]]
    assert [outcome for outcome in outcomes if outcome.failed] == []


def test_the_same_number_gives_the_same_problem():
    once, again = problems.problem(4, seed=3), problems.problem(4, seed=3)
    assert again.kind == once.kind
    jax.tree.map(np.testing.assert_array_equal, again.arguments, once.arguments)


def test_each_problem_is_in_one_batch_with_others_of_its_shape():
    batches = problems.batches(200, seed=0)
    assert sorted(number for batch in batches for number in batch) == list(range(200))
    for batch in batches:
        kinds = [problems.problem(number, seed=0).kind for number in batch]
        assert len({(kind.task, kind.shape) for kind in kinds}) == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_work_is_spread_over_processes(processes):
    progress = []
    assert spread(abs, [[-3, 1], [2]], processes, lambda total: progress.append) == [3, 1, 2]
    assert progress[-1] == 3


@pytest.fixture
def few(monkeypatch):
    """One wrong gradient, and problems of one shape; the first of seed 1 are of one task."""
    monkeypatch.setattr(command, "MUTATIONS", MUTATIONS[:1])
    monkeypatch.setattr(problems, "SHAPES", problems.SHAPES[2:3])
    monkeypatch.setattr(problems, "REAL_SHARE", 0)


def run(folder: Path, *flags: str) -> int:
    tried = () if "--parts" in flags else ("--parts", "mutations", "problems")
    flags = ("--processes", "1", "--output-dir", str(folder), *tried, *flags)
    return exit_code(lambda: command.run(flags))


@pytest.mark.usefixtures("few")
def test_the_command_writes_what_it_found(tmp_path, capsys):
    assert run(tmp_path, "--problems", "3", "--seed", "1") == 0
    shown = capsys.readouterr().out
    assert "1 of 1 mistakes caught" in shown
    assert "0 false alarms on 3 problems" in shown
    written = json.loads((tmp_path / "controls.json").read_text())
    assert written["mutations"]["missed"] == []
    assert written["mutations"]["each"][0]["diagnosis"]
    assert written["problems"]["total"] == 3
    assert written["problems"]["false_alarms"] == 0
    assert written["problems"]["excess_percentiles"]["float64 reverse mode"]["100"] < 1
    assert written["environment"]["packages"]["jax"] == jax.__version__


def test_the_command_tries_the_parts_that_are_asked_for(tmp_path, monkeypatch, capsys):
    entries = [entry for entry in FOREIGN if entry.name == "weighted regression"]
    for module in (command, judging, comparing):
        monkeypatch.setattr(module, "FOREIGN", entries)
    monkeypatch.setattr(comparing, "PEERS", comparing.PEERS[2:3])
    monkeypatch.setattr(comparing, "MUTATIONS", MUTATIONS[:1])
    monkeypatch.setattr(comparing, "RIGHT_PROBLEMS", 1)
    (tmp_path / "controls.json").write_text('{"mutations": {"missed": []}}')
    assert run(tmp_path, "--parts", "foreign", "peers") == 0
    shown = capsys.readouterr().out
    assert "1 of 1 foreign gradients pass, 3 of 3 wrong ones are caught" in shown
    written = json.loads((tmp_path / "controls.json").read_text())
    assert written["mutations"] == {"missed": []}  # what was there is kept
    assert written["foreign"]["each"][0]["right"]["passes"]
    [ours, scipy] = written["peers"]["foreign"]
    # a ridge of 1e-6 is below its threshold
    assert (ours["caught"], scipy["caught"]) == (3, 2)
    parts = {part: written[part] for part in ("foreign", "peers")}
    document = with_numbers(tmp_path / "docs", parts)
    assert "| weighted regression | as in textbooks |" in document
    assert "| scipy check_grad | 1e-05 | 1 of 1 | 2 of 3 |" in document


def with_numbers(folder: Path, parts: dict) -> str:
    """The document about the checker with other numbers in it."""
    shutil.copytree(DOCS / "measured", folder / "measured")
    shutil.copy(DOCS / "gradcheck.md.jinja", folder)
    path = folder / "measured" / "controls.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))
    [document] = docs.render(folder).values()
    return document


def test_peers_need_the_foreign_gradients(tmp_path, capsys):
    assert run(tmp_path, "--parts", "peers") == 2
    assert "without foreign" in capsys.readouterr().err


@pytest.mark.usefixtures("few")
def test_a_mistake_that_is_missed_is_exit_code_1(tmp_path, monkeypatch):
    harmless = MUTATIONS[0]._replace(name="harmless", gradient=TASKS["1a"].gradient)
    monkeypatch.setattr(command, "MUTATIONS", [harmless])
    monkeypatch.setattr(checking, "MUTATIONS", [harmless])
    assert run(tmp_path, "--problems", "0") == 1
    written = json.loads((tmp_path / "controls.json").read_text())
    assert written["mutations"]["missed"] == ["harmless"]


@pytest.mark.usefixtures("few")
def test_a_false_alarm_is_written_whole():
    outcome = check_problem(0, seed=1)
    alarm = outcome._replace(failed=[{"check": "reverse mode", "note": "no"}], diagnosis=("why",))
    numbers = summary.problem_numbers([outcome, alarm])
    assert (numbers["total"], numbers["false_alarms"]) == (2, 1)
    assert numbers["families"][outcome.kind.family]["false_alarms"] == 1
    assert numbers["alarms"] == [
        {**outcome.kind._asdict(), "failed": alarm.failed, "diagnosis": ("why",)}
    ]


@pytest.mark.parametrize("flag", ["--problems", "--seed", "--processes"])
def test_what_cannot_be_done_is_one_message_and_code_2(flag, tmp_path, capsys):
    assert run(tmp_path / "new", flag, "-1") == 2
    assert f"error: {flag[2:]} is -1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
