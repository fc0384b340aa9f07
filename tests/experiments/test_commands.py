"""The experiments as their users run them: flags in, files and an exit code out."""

import contextlib
import csv
import errno
import io
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from matplotlib.figure import Figure
from small_report import SmallReport

from experiments.common.command import exit_code, run_task
from experiments.task1_gradients.__main__ import TASK as TASK1
from experiments.task2_logistic.__main__ import TASK as TASK2
from experiments.task3_softmax.__main__ import TASK as TASK3
from experiments.task4_regularization.__main__ import TASK as TASK4
from mnist_jax import plotting

SMALL = ["--train-size", "900", "--validation-size", "300", "--epochs", "2"]
FEW_SEEDS = ["--lag-seeds", "3", "--patience-seeds", "2", "--curve-seeds", "2"]

pytestmark = pytest.mark.usefixtures("mnist")  # without the data, skipped with the reason


def run(task, folder: Path, *flags: str) -> int:
    return run_task(task, [*flags, "--output-dir", str(folder)])


@contextlib.contextmanager
def no_layout() -> Iterator[None]:
    """Draws figures without laying them out, which takes most of the time."""
    new_figure = plotting.new_figure

    def plain(*arguments, **options):
        figure, axes = new_figure(*arguments, **options)
        figure.set_layout_engine("none")
        return figure, axes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "new_figure", plain)
        yield


@pytest.mark.parametrize(
    ("task", "flags"),
    [
        (TASK2, [*FEW_SEEDS, "--learning-rate", "3e38"]),
        (TASK3, ["--learning-rate", "3e38"]),
        (TASK4, ["--l2", "3e38"]),
    ],
)
def test_a_run_that_diverges_at_once_still_leaves_all_its_files(task, flags, tmp_path, capsys):
    with no_layout():
        assert run(task, tmp_path, *SMALL, *flags) == 3
    assert "diverged at step 0;" in capsys.readouterr().err
    assert (tmp_path / "history.csv").read_text().count("\n") >= 2
    assert (tmp_path / "metrics.json").exists()


@pytest.mark.usefixtures("no_figures")
def test_a_run_that_diverges_is_code_3_and_writes_its_history(tmp_path, capsys):
    flags = [*SMALL, "--batch-size", "32", "--l2", "0", "2", "--learning-rate", "10"]
    assert run(TASK4, tmp_path, *flags, "--epochs", "10") == 3
    named = re.search(r"lambda 2.0: diverged at step (\d+);", capsys.readouterr().err)
    assert named
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps = {
        name: [r["step"] for r in rows if r["run"] == name] for name in ("lambda 0.0", "lambda 2.0")
    }
    assert steps["lambda 2.0"][-1] == named[1]
    assert len(steps["lambda 0.0"]) == 280
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["runs"]["2.0"]["outcome"] == f"diverged at step {named[1]}"


COMPLETE = {
    "task 2 without shuffling": (
        TASK2,
        {"2b_loss", "2c_accuracy", "2e_spike_position"},
        ["--no-shuffle"],
    ),
    "task 2": (
        TASK2,
        {"2b_loss", "2c_accuracy", "2d_stopping", "2e_shuffling", "2e_spike_position"},
        FEW_SEEDS,
    ),
    "task 3": (
        TASK3,
        {"3b_loss", "3c_accuracy", "3d_class_shares", "3d_file_order", "3d_selections"},
        ["--gradient", "autodiff"],
    ),
    "task 4": (
        TASK4,
        {"4b_weights", "4c_accuracy", "4d_train_validation", "4e_norm", "appendix_weights"},
        ["--validation-selection", "stochastic"],
    ),
}


class Done(NamedTuple):
    folder: Path
    figures: set[str]
    printed: str


@pytest.fixture(scope="module", params=COMPLETE)
def done(request, tmp_path_factory) -> Done:
    """What a task left and printed."""
    task, figures, flags = COMPLETE[request.param]
    folder = tmp_path_factory.mktemp("done")
    with no_layout(), contextlib.redirect_stdout(io.StringIO()) as printed:
        assert run(task, folder, *SMALL, *flags) == 0
    return Done(folder, figures, printed.getvalue())


def test_a_task_leaves_its_folder_complete(done: Done):
    names = {path.name for path in done.folder.iterdir()}
    drawn = {f"{figure}.{ending}" for figure in done.figures for ending in ("png", "svg")}
    assert names >= drawn | {"metrics.json", "config.json", "history.csv"}
    assert {name for name in names if name.endswith((".png", ".svg"))} == drawn
    config = json.loads((done.folder / "config.json").read_text())
    assert config["settings"]["train_size"] == 900
    assert len(config["data"]["sha256"]) == 4
    assert f"written to {done.folder}" in done.printed


@pytest.mark.parametrize("done", ["task 2"], indirect=True)
def test_metrics_of_task_2(done: Done):
    metrics = json.loads((done.folder / "metrics.json").read_text())
    assert {"train_examples", "validation_examples", "steps_per_epoch", "evaluate_every"} <= {
        *metrics
    }
    unshuffled = metrics["unshuffled"]
    assert {*unshuffled["final"]} == {
        *("step", "validation_loss", "validation_accuracy", "train_accuracy")
    }
    assert {*unshuffled["stop_step"]} == {"lag", "patience"}
    assert unshuffled["weight_norm"] > 0
    assert metrics["shuffled"]["stop_steps"]["lag"]["seeds"] == 3


@pytest.mark.parametrize("done", ["task 2 without shuffling"], indirect=True)
def test_without_shuffling_task_2_says_nothing_of_shuffled_runs(done: Done):
    assert "shuffled" not in json.loads((done.folder / "metrics.json").read_text())


def test_task_1_leaves_its_folder_complete(small_report: SmallReport):
    names = {path.name for path in (small_report.folder / TASK1.name).iterdir()}
    drawn = {
        f"{figure}.{ending}" for figure in ("1_errors", "1_steps") for ending in ("png", "svg")
    }
    documents = {"ledger.json", "checks.json"}
    assert names == drawn | documents | {"metrics.json", "config.json", "history.csv"}


@pytest.mark.usefixtures("no_figures")
def test_what_an_earlier_run_left_is_not_mixed_with_the_new(tmp_path):
    assert run(TASK4, tmp_path, *SMALL, "--l2", "0.2", "2") == 0
    (tmp_path / "mine.png").touch()
    assert run(TASK4, tmp_path, *SMALL, "--l2", "0") == 0
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert names == {"4b_weights", "4c_accuracy", "4d_train_validation", "mine"}


def test_everything_at_once_judges_only_what_it_measured(small_report: SmallReport):
    folder, printed = small_report
    claims = {c["id"]: c for c in json.loads((folder / "claims.json").read_text())}
    assert len(claims) == 16
    judged = {name for name, claim in claims.items() if claim["verdict"] != "not measured"}
    assert judged == {"gradient-1a", "gradient-1b", "gradient-4a"}
    report = (folder / "report.md").read_text()
    assert "Quick form" in report
    links = re.findall(r"\]\(([^)]+)\)", report)
    assert links
    assert [link for link in links if not (folder / link).is_file()] == []
    assert "the report is" in printed


def test_an_interrupt_ends_with_code_130(capsys):
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert exit_code(interrupted) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_sigterm_ends_with_code_143(capsys):
    before = signal.getsignal(signal.SIGTERM)

    def ended() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("went on")

    assert exit_code(ended, "kept") == 143
    assert capsys.readouterr().err == "terminated; kept\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_full_disk_is_one_message_and_the_numbers_are_kept(tmp_path, monkeypatch, capsys):
    def full(figure, path, **options) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Figure, "savefig", full)
    assert run(TASK4, tmp_path, *SMALL, "--l2", "0") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"4b_weights\.\w+ can't be written: No space left", message)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"metrics.json", "config.json", "history.csv"}


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("data_dir", ["no-such-folder"])
def test_nothing_is_said_of_overwriting_if_nothing_will_be(data_dir, tmp_path, capsys):
    assert run(TASK4, tmp_path, *SMALL, "--l2", "0") == 0
    capsys.readouterr()
    assert run(TASK4, tmp_path, *SMALL, "--data-dir", data_dir) == 2
    assert "overwritten" not in capsys.readouterr().err


@pytest.mark.usefixtures("no_figures")
def test_what_is_overwritten_is_said_before(tmp_path, capsys):
    flags = [*SMALL, "--l2", "0"]
    assert run(TASK4, tmp_path, *flags) == 0
    assert "earlier run" not in capsys.readouterr().err
    assert run(TASK4, tmp_path, *flags) == 0
    assert f"{tmp_path} holds files of an earlier run" in capsys.readouterr().err


@pytest.mark.usefixtures("no_figures")
def test_a_quiet_command_says_where_the_files_are(tmp_path, capsys):
    for _ in range(2):
        assert run(TASK4, tmp_path, *SMALL, "--l2", "0", "--quiet") == 0
        output, errors = capsys.readouterr()
        assert output == f"written to {tmp_path}\n"
        assert errors == ""
