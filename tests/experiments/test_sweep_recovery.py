"""A sweep that was killed, or whose files are damaged, continues to the same bits."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sweep_runs import run

from experiments.sweep import parts
from experiments.sweep.parts import FOLDER
from mnist_jax import plotting, sweeps
from mnist_jax.data import Mnist
from mnist_jax.sweeps import memory

# without the data, skipped with the reason
pytestmark = pytest.mark.usefixtures("mnist", "no_figures")


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(memory, "largest_part", lambda: 4)


@pytest.fixture(scope="module")
def complete(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep in small parts that has ended."""
    del mnist
    folder = tmp_path_factory.mktemp("complete")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "largest_part", lambda: 4)
        patch.setattr(plotting, "save", lambda figure, folder, name: None)
        assert run(folder) == 0
    return folder


@pytest.fixture
def ended(complete: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be damaged."""
    return shutil.copytree(complete, tmp_path / "ended")


@pytest.fixture
def trained(monkeypatch) -> list:
    """Grows by one at each part that is trained."""
    train_part, calls = sweeps.train_part, []
    monkeypatch.setattr(
        sweeps, "train_part", lambda *a, **o: calls.append(a) or train_part(*a, **o)
    )
    return calls


class Killed(BaseException):
    pass


@pytest.mark.usefixtures("small_parts")
def test_a_killed_sweep_continues_to_the_same_bits(
    complete, tmp_path, monkeypatch, capsys, trained
):
    killed = tmp_path / "killed"
    count_and_train = sweeps.train_part

    def train_or_die(*arguments, **options):
        if trained:
            raise Killed
        return count_and_train(*arguments, **options)

    monkeypatch.setattr(sweeps, "train_part", train_or_die)
    with pytest.raises(Killed):
        run(killed)
    monkeypatch.setattr(sweeps, "train_part", count_and_train)
    assert not (killed / "runs.csv").exists()
    assert len([*(killed / FOLDER).glob("*.npy")]) == 1
    trained.clear()
    # the size of the parts is that of the first start
    monkeypatch.setattr(memory, "largest_part", lambda: 8)
    # nothing is lost by mistake, or mixed with another sweep
    assert run(killed, "--resume", "--epochs", "3") == 2
    error = capsys.readouterr().err
    assert "a sweep with 1 of 3 parts done, which started with epochs 2, not 3" in error
    assert "--overwrite" in error
    assert run(killed) == 0
    assert len(trained) == 2
    assert (killed / "runs.csv").read_bytes() == (complete / "runs.csv").read_bytes()


@pytest.mark.parametrize("flags", [[], ["--resume"]])
def test_the_same_command_starts_continues_or_finishes(flags, tmp_path, trained):
    complete, folder = tmp_path / "complete", tmp_path / "requeued"
    assert run(complete) == 0
    assert run(folder, *flags) == 0  # starts
    trained.clear()
    # killed after its last part
    (folder / "metrics.json").unlink()
    (folder / "runs.csv").unlink()
    assert run(folder, *flags) == 0  # nothing is left to train
    assert trained == []
    assert (folder / "runs.csv").read_bytes() == (complete / "runs.csv").read_bytes()
    assert (folder / "metrics.json").is_file()


def test_a_killed_part_continues_from_its_checkpoint_to_the_same_bits(tmp_path, monkeypatch):
    complete, killed = tmp_path / "complete", tmp_path / "killed"
    criterion = ["--criterion", "patience", "--evaluations", "9", "--epochs", "8"]
    assert run(complete, *criterion) == 0
    monkeypatch.setattr(parts, "CHECKPOINT_INTERVAL", 0.0)
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
    assert (killed / "runs.csv").read_bytes() == (complete / "runs.csv").read_bytes()
    assert [*(killed / FOLDER).glob("*.checkpoint.npz")] == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("damaged", ["00001.npy", "sweep.json", "00001.checkpoint.npz"])
def test_damaged_files_are_replaced(damaged, ended, capsys, trained):
    expected = (ended / "runs.csv").read_bytes()
    path = ended / FOLDER / damaged
    if damaged.endswith("checkpoint.npz"):
        (ended / FOLDER / "00001.npy").rename(path)
    path.write_bytes(path.read_bytes()[:40])
    assert run(ended, "--resume") == 0
    assert f"{path} is damaged" in capsys.readouterr().err
    assert len(trained) == (0 if damaged == "sweep.json" else 1)
    assert (ended / "runs.csv").read_bytes() == expected


def drop_a_row(path: Path) -> None:
    np.save(path, np.load(path)[:-1])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def randomize(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def write_null(path: Path) -> None:
    path.write_text("null")


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("damage", [drop_a_row, flip_a_bit, empty, randomize])
def test_a_part_with_another_content_is_trained_again(
    damage: Callable[[Path], None], ended, monkeypatch, capsys, trained
):
    expected = (ended / "runs.csv").read_bytes()
    path = ended / FOLDER / "00001.npy"
    damage(path)
    trained_at_warning, warn = [], parts.warn
    monkeypatch.setattr(
        parts, "warn", lambda line: trained_at_warning.append(len(trained)) or warn(line)
    )
    assert run(ended) == 0
    error = capsys.readouterr().err
    assert f"{path} is damaged" in error
    assert "its 4 runs are trained again" in error
    assert (trained_at_warning, len(trained)) == ([0], 1)
    assert (ended / "runs.csv").read_bytes() == expected


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("damage", [empty, randomize, write_null, Path.unlink])
def test_a_lost_manifest_is_recovered_from_the_parts(
    damage: Callable[[Path], None], ended, monkeypatch, capsys, trained
):
    expected = (ended / "runs.csv").read_bytes()
    damage(ended / FOLDER / "sweep.json")
    parts_before = {p: p.read_bytes() for p in (ended / FOLDER).glob("*.npy")}
    assert run(ended, "--epochs", "3") == 2
    assert "does not belong to this sweep" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in (ended / FOLDER).glob("*.npy")} == parts_before
    monkeypatch.setattr(memory, "largest_part", lambda: 8)
    trained.clear()
    assert run(ended) == 0
    assert trained == []
    assert (ended / "runs.csv").read_bytes() == expected


@pytest.mark.usefixtures("small_parts")
def test_overwrite_starts_again_and_reports_what_it_removes(ended, capsys):
    assert run(ended, "--epochs", "3") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(ended, "--epochs", "3", "--overwrite") == 0
    message = f"removing 3 finished and 0 started parts in {ended / FOLDER}"
    assert message in capsys.readouterr().err
    assert json.loads((ended / "config.json").read_text())["settings"]["epochs"] == 3
    assert run(ended, "--overwrite", "--resume") == 2


def test_a_sweep_continues_only_with_the_same_data(tmp_path, capsys):
    assert run(tmp_path) == 0
    path = tmp_path / FOLDER / "sweep.json"
    manifest = json.loads(path.read_text())
    manifest["data"]["train-images-idx3-ubyte"] = "another"
    path.write_text(json.dumps(manifest))
    assert run(tmp_path, "--resume") == 2
    assert "started with other data" in capsys.readouterr().err
