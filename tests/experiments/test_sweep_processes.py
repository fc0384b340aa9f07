"""Sweeps in several processes and on several devices, and their signals."""

import signal
import time
from pathlib import Path

import pytest
from sweep_runs import free_address, rows, run, start_process

from experiments.sweep.parts import FOLDER
from mnist_jax import distributed
from mnist_jax.errors import UsageError

# without the data, skipped with the reason
pytestmark = pytest.mark.usefixtures("mnist", "no_figures")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGTERM, 143, "terminated"),
        pytest.param(signal.SIGINT, 130, "interrupted", marks=pytest.mark.exhaustive),
    ],
)
def test_a_signal_keeps_finished_work(number, code, word, tmp_path):
    process = start_process(tmp_path, "--epochs", "4000", "--train-size", "3000")
    manifest = tmp_path / FOLDER / "sweep.json"
    for _ in range(600):
        if manifest.is_file():
            break
        time.sleep(0.1)
    time.sleep(4)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert f"{word}; finished work is kept: run the same command again to continue" in output
    assert "Traceback" not in output
    assert (tmp_path / FOLDER / "00000.checkpoint.npz").is_file()
    assert not (tmp_path / "runs.csv").exists()


def assert_agree(folder: Path, other: Path) -> None:
    for ours, theirs in zip(rows(folder), rows(other), strict=True):
        for name in ("seed", "learning_rate", "l2", "outcome", "last_step"):
            assert ours[name] == theirs[name]
        for name in ("final_validation_loss", "best_validation_loss", "final_train_accuracy"):
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-5)


def test_eight_devices_give_the_same_results_as_one(tmp_path):
    eight = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    process = start_process(tmp_path / "eight", "--devices", "8", **eight)
    assert run(tmp_path / "one") == 0
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert_agree(tmp_path / "eight", tmp_path / "one")


def test_two_processes_give_the_same_results_as_one(tmp_path):
    assert run(tmp_path / "two", "--seed", "5") == 0  # a finished sweep, which they overwrite
    flags = ["--distributed", "--coordinator", free_address(), "--num-processes", "2"]
    processes = [
        start_process(tmp_path / "two", *flags, "--overwrite", "--process", str(number))
        for number in range(2)
    ]
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    assert run(tmp_path / "one") == 0
    assert_agree(tmp_path / "two", tmp_path / "one")
    assert len([*(tmp_path / "two" / FOLDER).glob("*.npy")]) > 1  # each process wrote a part


@pytest.mark.parametrize(
    ("coordinator", "message"),
    [
        ("nowhere", "coordinator is 'nowhere'; give HOST:PORT"),
        ("127.0.0.1:x", "give HOST:PORT"),
        (None, r"process 0 does not answer at 127.0.0.1:\d+ \(.*refused"),
    ],
)
def test_an_unreachable_coordinator_is_reported(coordinator, message):
    with pytest.raises(UsageError, match=message):
        distributed.join(coordinator or free_address(), 2, 1, seconds=0)


def test_undetectable_processes_are_reported(tmp_path):
    process = start_process(tmp_path / "new", "--distributed")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "the processes can't be joined" in output
    assert "--coordinator HOST:PORT" in output
    assert not (tmp_path / "new").exists()
