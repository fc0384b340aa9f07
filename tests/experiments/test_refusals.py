"""What an experiment can't do is one message and an exit code, and leaves no file."""

from pathlib import Path

import jax
import pytest

from experiments.__main__ import run_all
from experiments.common.command import exit_code, run_task
from experiments.task1_gradients.__main__ import TASK as TASK1
from experiments.task2_logistic.__main__ import TASK as TASK2
from experiments.task3_softmax.__main__ import TASK as TASK3
from experiments.task4_regularization.__main__ import TASK as TASK4

SMALL = ["--train-size", "900", "--validation-size", "300", "--epochs", "2"]

pytestmark = pytest.mark.usefixtures("mnist")  # without the data, skipped with the reason


def run(task, folder: Path, *flags: str) -> int:
    return run_task(task, [*flags, "--output-dir", str(folder)])


@pytest.mark.parametrize(
    ("task", "flags", "named"),
    [
        (TASK2, ["--digits", "2", "11"], "11"),
        (TASK2, ["--digits", "3", "3"], "(3, 3)"),
        (TASK2, ["--train-size", "60001"], "60001"),
        (TASK2, ["--train-size", "0"], "train_size=0"),
        (TASK2, ["--batch-size", "3624"], "3624"),
        (TASK3, ["--validation-size", "10001"], "10001"),
        (TASK3, ["--batch-size", "0"], "batch_size is 0"),
        (TASK3, ["--epochs", "0"], "epochs is 0"),
        (TASK3, ["--epochs", "0", "--quick"], "epochs is 0"),
        (TASK3, ["--learning-rate", "-0.5"], "learning_rate is -0.5"),
        (TASK3, ["--learning-rate", "nan"], "learning_rate is nan"),
        (TASK2, ["--learning-rate", "inf"], "learning_rate is inf"),
        (TASK3, ["--learning-rate", "1e39"], "learning_rate is 1e+39"),
        (TASK1, ["--l2", "-1"], "l2 is -1.0"),
        (TASK4, ["--l2", "0.5", "inf"], "l2 is inf"),
        (TASK4, ["--l2", "2", "2"], "(2.0, 2.0)"),
        (TASK4, ["--l2"], "l2 is empty"),
        (TASK2, ["--seed", "-1"], "seed is -1"),
        (TASK2, ["--lag-seeds", "0"], "lag_seeds is 0"),
        (TASK4, ["--data-dir", "no-such-folder"], "no-such-folder"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_code_2(task, flags, named, tmp_path, capsys):
    folder = tmp_path / "new" / "results"
    assert run(task, folder, *flags) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("error: ")
    assert named in message
    assert list(tmp_path.iterdir()) == []  # nothing half-written, not even the folder


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--l2", "0", "-1"], "l2 is -1"),
        (["--l2", "1e39"], "l2 is 1e+39"),
        (["--digits", "4", "4"], "(4, 4)"),
        (["--learning-rate", "nan"], "learning_rate is nan"),
        (["--epochs", "-3"], "epochs is -3"),
    ],
)
def test_everything_at_once_refuses_before_it_begins(flags, named, tmp_path, capsys):
    command = [*flags, "--output-dir", str(tmp_path / "results")]
    assert exit_code(lambda: run_all(command)) == 2
    [message] = capsys.readouterr().err.splitlines()
    assert named in message
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_code_2(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert run(TASK2, tmp_path / "file" / "results", *SMALL) == 2
    assert str(tmp_path / "file" / "results") in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [["--precision", "float16"], ["--no-such-flag"], ["--epochs", "x"]]
)
def test_a_flag_that_cannot_be_understood_is_code_2(flags, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(TASK2, tmp_path, *flags)
    assert flags[-1] in capsys.readouterr().err


@pytest.mark.parametrize("task", [TASK1, TASK2, TASK3, TASK4])
def test_help_names_every_common_flag(task, capsys):
    with pytest.raises(SystemExit, match="0"):
        run_task(task, ["--help"])
    text = capsys.readouterr().out
    flags = (
        *("data-dir", "output-dir", "seed", "epochs", "batch-size", "learning-rate", "train-size"),
        *("validation-size", "validation-selection", "shuffle", "no-shuffle", "precision"),
        *("gradient", "quick", "l2"),
    )
    assert [flag for flag in flags if f"--{flag}" not in text] == []


@pytest.mark.parametrize("raised", [RuntimeError("no such backend"), AssertionError()])
def test_a_device_that_jax_cannot_start_is_one_message(raised, tmp_path, monkeypatch, capsys):
    def refuse() -> None:
        raise raised

    monkeypatch.setattr(jax, "devices", refuse)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    assert run(TASK4, tmp_path / "new", *SMALL) == 2
    [message] = capsys.readouterr().err.splitlines()
    assert "JAX can't start" in message
    assert "JAX_PLATFORMS is 'cuda': unset it" in message
    assert list(tmp_path.iterdir()) == []
