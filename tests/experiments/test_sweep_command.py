"""The command of a sweep: its files, going on after a kill, several devices, several processes."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args, get_type_hints

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.common.command import run_task
from experiments.sweep import __main__ as command
from experiments.sweep import parts
from experiments.sweep.parts import FOLDER
from experiments.sweep.settings import OPTIMIZERS, SweepSettings
from mnist_jax import distributed, sweeps
from mnist_jax.errors import UsageError
from mnist_jax.sweeps import memory

SMALL = ["--train-size", "900", "--validation-size", "300", "--epochs", "2", "--batch-size", "16"]
RUNS = ["--model", "logistic", "--l2", "0", "0.1", "--learning-rate", "0.05", "0.5", "--seeds", "3"]

pytestmark = pytest.mark.usefixtures("mnist")  # without the data, skipped with the reason


def run(folder: Path, *flags: str) -> int:
    return run_task(command.TASK, [*SMALL, *RUNS, *flags, "--output-dir", str(folder)])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "runs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(memory, "RUNS_OF_A_PART", 4)


def test_a_sweep_leaves_a_row_for_each_run_and_its_figures(tmp_path, capsys):
    assert run(tmp_path, "--criterion", "lag", "--evaluations", "2", "--curves") == 0
    found = rows(tmp_path)
    settings = {(row["seed"], row["learning_rate"], row["l2"]) for row in found}
    assert len(found) == len(settings) == 12
    assert {row["outcome"] for row in found} <= {"finished", "stopped_early"}
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["runs"] == 12
    assert sum(metrics["outcomes"].values()) == 12
    assert len(metrics["pairs"]) == 4
    for name in ("accuracy_map", "accuracy_by_l2", "accuracy_by_learning_rate", "stopping"):
        assert (tmp_path / f"{name}.svg").is_file()
    with np.load(tmp_path / "curves.npz") as curves:
        finals = [curve[np.isfinite(curve)][-1] for curve in curves["validation_loss"]]
    assert finals == pytest.approx([float(row["final_validation_loss"]) for row in found])
    assert str(tmp_path) in capsys.readouterr().out


def test_removes_stale_files(tmp_path):
    assert run(tmp_path, "--curves") == 0
    assert (tmp_path / "curves.npz").is_file()
    single = ["--learning-rate", "0.05", "--l2", "0", "--overwrite"]
    assert run(tmp_path, *single) == 0
    assert not (tmp_path / "curves.npz").exists()
    assert not (tmp_path / "accuracy_map.png").exists()


class Killed(BaseException):
    pass


@pytest.mark.usefixtures("small_parts")
def test_a_killed_sweep_goes_on_and_gives_the_same_bits(tmp_path, monkeypatch, capsys):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(whole) == 0
    train_part, trained = sweeps.train_part, []

    def train_or_die(*arguments, **options):
        if len(trained) == 1:
            raise Killed
        trained.append(arguments)
        return train_part(*arguments, **options)

    monkeypatch.setattr(sweeps, "train_part", train_or_die)
    with pytest.raises(Killed):
        run(killed)
    assert not (killed / "runs.csv").exists()
    assert len([*(killed / FOLDER).glob("*.npy")]) == 1
    trained.clear()
    # parts are cut as they were at the beginning
    monkeypatch.setattr(memory, "RUNS_OF_A_PART", 8)
    monkeypatch.setattr(
        sweeps, "train_part", lambda *a, **o: trained.append(a) or train_part(*a, **o)
    )
    # nothing is lost by mistake, or mixed with another sweep
    assert run(killed, "--resume", "--epochs", "3") == 2
    error = capsys.readouterr().err
    assert "a sweep with 1 of 3 parts done, which was begun with epochs 2, not 3" in error
    assert "--overwrite" in error
    assert run(killed) == 0
    assert len(trained) == 2
    assert (killed / "runs.csv").read_bytes() == (whole / "runs.csv").read_bytes()


@pytest.mark.parametrize("flags", [[], ["--resume"]])
def test_the_same_command_begins_goes_on_or_finds_that_all_is_done(flags, tmp_path, monkeypatch):
    whole, folder = tmp_path / "whole", tmp_path / "requeued"
    assert run(whole) == 0
    assert run(folder, *flags) == 0  # nothing was begun
    monkeypatch.setattr(sweeps, "train_part", lambda *a, **o: pytest.fail("trained again"))
    # killed after its last part
    (folder / "metrics.json").unlink()
    (folder / "runs.csv").unlink()
    assert run(folder, *flags) == 0  # nothing is left to train
    assert (folder / "runs.csv").read_bytes() == (whole / "runs.csv").read_bytes()
    assert (folder / "metrics.json").is_file()


def test_a_killed_part_goes_on_from_its_checkpoint_and_gives_the_same_bits(tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    criterion = ["--criterion", "patience", "--evaluations", "9", "--epochs", "8"]
    assert run(whole, *criterion) == 0
    monkeypatch.setattr(parts, "SECONDS", 0.0)
    report_share, epochs = sweeps.report_share, []

    def die(on_runs, done, size, all_epochs, epochs_done):
        epochs.append(epochs_done)
        if epochs_done >= 4:
            raise Killed
        report_share(on_runs, done, size, all_epochs, epochs_done)

    monkeypatch.setattr(sweeps, "report_share", die)
    with pytest.raises(Killed):
        run(killed, *criterion)
    monkeypatch.setattr(sweeps, "report_share", lambda *a: epochs.append(a[-1]) or report_share(*a))
    reached = epochs[-1]
    epochs.clear()
    assert run(killed, *criterion, "--resume") == 0
    assert epochs[0] == reached
    assert (killed / "runs.csv").read_bytes() == (whole / "runs.csv").read_bytes()
    assert [*(killed / FOLDER).glob("*.checkpoint.npz")] == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("spoiled", ["00001.npy", "sweep.json", "00001.checkpoint.npz"])
def test_what_is_damaged_is_done_again(spoiled, tmp_path, monkeypatch, capsys):
    whole = tmp_path / "whole"
    assert run(whole) == 0
    expected = (whole / "runs.csv").read_bytes()
    path = whole / FOLDER / spoiled
    if spoiled.endswith("checkpoint.npz"):
        (whole / FOLDER / "00001.npy").rename(path)
    path.write_bytes(path.read_bytes()[:40])
    train_part, trained = sweeps.train_part, []
    monkeypatch.setattr(
        sweeps, "train_part", lambda *a, **o: trained.append(a) or train_part(*a, **o)
    )
    capsys.readouterr()
    assert run(whole, "--resume") == 0
    assert f"{path} is damaged" in capsys.readouterr().err
    assert len(trained) == (0 if spoiled == "sweep.json" else 1)
    assert (whole / "runs.csv").read_bytes() == expected


def another_size(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def another_number(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def null(path: Path) -> None:
    path.write_text("null")


SPOIL = [another_size, another_number, empty, garbage]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("spoil", SPOIL)
def test_a_part_with_another_content_is_done_again(spoil, tmp_path, monkeypatch, capsys):
    assert run(tmp_path) == 0
    expected = (tmp_path / "runs.csv").read_bytes()
    path = tmp_path / FOLDER / "00001.npy"
    spoil(path)
    lines, warn = [], parts.warn
    monkeypatch.setattr(parts, "warn", lambda line: lines.append(line) or warn(line))
    train_part = sweeps.train_part
    monkeypatch.setattr(
        sweeps, "train_part", lambda *a, **o: lines.append("trained") or train_part(*a, **o)
    )
    assert run(tmp_path) == 0
    assert "its 4 runs are trained again" in capsys.readouterr().err
    assert [line.startswith(f"{path} is damaged") for line in lines] == [True, False]
    assert (tmp_path / "runs.csv").read_bytes() == expected


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("spoil", [empty, garbage, null, Path.unlink])
def test_without_its_plan_a_sweep_is_known_by_its_parts(spoil, tmp_path, monkeypatch, capsys):
    assert run(tmp_path) == 0
    expected = (tmp_path / "runs.csv").read_bytes()
    spoil(tmp_path / FOLDER / "sweep.json")
    parts_before = {p: p.read_bytes() for p in (tmp_path / FOLDER).glob("*.npy")}
    assert run(tmp_path, "--epochs", "3") == 2
    assert "does not belong to this sweep" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in (tmp_path / FOLDER).glob("*.npy")} == parts_before
    monkeypatch.setattr(memory, "RUNS_OF_A_PART", 8)
    monkeypatch.setattr(sweeps, "train_part", lambda *a, **o: pytest.fail("trained again"))
    assert run(tmp_path) == 0
    assert (tmp_path / "runs.csv").read_bytes() == expected


@pytest.mark.usefixtures("small_parts")
def test_overwrite_begins_anew_and_says_what_it_removes(tmp_path, capsys):
    assert run(tmp_path) == 0
    assert run(tmp_path, "--epochs", "3") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(tmp_path, "--epochs", "3", "--overwrite") == 0
    removed = f"removing 3 finished and 0 begun parts in {tmp_path / FOLDER}"
    assert removed in capsys.readouterr().err
    assert json.loads((tmp_path / "config.json").read_text())["settings"]["epochs"] == 3
    assert run(tmp_path, "--overwrite", "--resume") == 2


def test_a_sweep_goes_on_only_with_the_same_data(tmp_path, capsys):
    assert run(tmp_path) == 0
    plan = tmp_path / FOLDER / "sweep.json"
    begun = json.loads(plan.read_text())
    begun["data"]["train-images-idx3-ubyte"] = "another"
    plan.write_text(json.dumps(begun))
    assert run(tmp_path, "--resume") == 2
    assert "begun with other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ended", "code", "word"),
    [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")],
)
def test_a_signal_keeps_what_is_done_and_says_how_to_go_on(ended, code, word, tmp_path):
    long = ["--epochs", "4000", "--train-size", "3000"]
    process = in_process(tmp_path, *long)
    checkpoint = tmp_path / FOLDER / "00000.checkpoint.npz"
    plan = tmp_path / FOLDER / "sweep.json"
    for _ in range(600):
        if plan.is_file():
            break
        time.sleep(0.1)
    time.sleep(4)
    process.send_signal(ended)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert f"{word}; what is done is kept: the same command goes on" in output
    assert "Traceback" not in output
    assert checkpoint.is_file()
    assert not (tmp_path / "runs.csv").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seeds", "0"], "seeds is 0"),
        (["--devices", "0"], "devices is 0"),
        (["--process", "0"], "need --distributed"),
        (["--distributed", "--num-processes", "0"], "num_processes is 0"),
        (["--distributed", "--num-processes", "2", "--process", "2"], "from 0 to 1"),
        (["--distributed", "--process", "-1"], "process is -1"),
        (["--devices", "99"], "devices is 99"),
        (["--l2", "0.1", "0.1"], "given twice"),
        (["--learning-rate", "-1"], "learning_rate is -1"),
        (["--criterion", "lag", "--evaluations", "0"], "evaluations=0"),
    ],
)
def test_what_cannot_be_done_is_one_message(flags, message, tmp_path, capsys):
    assert run(tmp_path / "new", *flags) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def in_process(folder: Path, *flags: str, **environment: str) -> subprocess.Popen:
    """The command in a process of its own, with an environment of its own."""
    arguments = [*SMALL, *RUNS, *flags, "--output-dir", str(folder)]
    return subprocess.Popen(
        [sys.executable, "-m", "experiments.sweep", *arguments],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_agree(folder: Path, other: Path) -> None:
    for ours, theirs in zip(rows(folder), rows(other), strict=True):
        assert [ours[name] for name in ("seed", "learning_rate", "l2", "outcome", "last_step")] == [
            theirs[name] for name in ("seed", "learning_rate", "l2", "outcome", "last_step")
        ]
        for name in ("final_validation_loss", "best_validation_loss", "final_train_accuracy"):
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-5)


def test_eight_devices_find_what_one_finds(tmp_path):
    eight = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    process = in_process(tmp_path / "eight", "--devices", "8", **eight)
    assert run(tmp_path / "one") == 0
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert_agree(tmp_path / "eight", tmp_path / "one")


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_two_processes_find_what_one_finds(tmp_path):
    for seed in ("5", "0"):  # the second time in the folder of a finished sweep of other seeds
        together = ["--distributed", "--coordinator", free_address(), "--num-processes", "2"]
        together += ["--seed", seed, "--overwrite"]
        processes = [
            in_process(tmp_path / "two", *together, "--process", str(number)) for number in range(2)
        ]
        for process in processes:
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
    assert run(tmp_path / "one") == 0
    assert_agree(tmp_path / "two", tmp_path / "one")
    assert len([*(tmp_path / "two" / FOLDER).glob("*.npy")]) > 1  # each has done its share


@pytest.mark.parametrize(
    ("coordinator", "message"),
    [
        ("nowhere", "coordinator is 'nowhere'; give HOST:PORT"),
        ("127.0.0.1:x", "give HOST:PORT"),
        (None, r"process 0 does not answer at 127.0.0.1:\d+ \(.*refused"),
    ],
)
def test_a_coordinator_that_is_not_there_is_one_message(coordinator, message):
    with pytest.raises(UsageError, match=message):
        distributed.join(coordinator or free_address(), 2, 1, seconds=0)


def test_processes_that_cannot_be_detected_are_one_message(tmp_path):
    process = in_process(tmp_path / "new", "--distributed")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "the processes can't be joined" in output
    assert "--coordinator HOST:PORT" in output
    assert not (tmp_path / "new").exists()


def test_an_optimizer_is_given_by_name():
    assert SweepSettings(optimizer="adam").program.optimizer is optax.adam
    made = SweepSettings(optimizer="momentum").program.transformation(0.1)
    first, state = made.update(jnp.ones(1), made.init(jnp.zeros(1)))
    second, _ = made.update(jnp.ones(1), state)
    np.testing.assert_allclose(np.asarray(second), 1.9 * np.asarray(first), rtol=1e-6)
    assert {*OPTIMIZERS} == {*get_args(get_type_hints(SweepSettings)["optimizer"])}


def test_the_settings_that_decide_are_those_of_the_runs():
    decide = SweepSettings().of_the_runs()
    assert {"model", "l2", "learning_rate", "seeds", "epochs", "precision", "devices"} <= set(
        decide
    )
    assert not {"output_dir", "resume", "data_dir", "process"} & set(decide)
