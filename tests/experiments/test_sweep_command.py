"""The command of a sweep: its files and its settings."""

import json
from typing import get_args, get_type_hints

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sweep_runs import rows, run

from experiments.sweep.settings import OPTIMIZERS, SweepSettings

pytestmark = pytest.mark.usefixtures("mnist")  # without the data, skipped with the reason


def test_a_sweep_writes_a_row_for_each_run_and_its_figures(tmp_path, capsys):
    assert run(tmp_path, "--criterion", "lag", "--evaluations", "2", "--curves") == 0
    table = rows(tmp_path)
    settings = {(row["seed"], row["learning_rate"], row["l2"]) for row in table}
    assert len(table) == len(settings) == 12
    assert {row["outcome"] for row in table} <= {"finished", "stopped_early"}
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["runs"] == 12
    assert sum(metrics["outcomes"].values()) == 12
    assert len(metrics["pairs"]) == 4
    for name in ("accuracy_map", "accuracy_by_l2", "accuracy_by_learning_rate", "stopping"):
        assert (tmp_path / f"{name}.svg").is_file()
    with np.load(tmp_path / "curves.npz") as curves:
        finals = [curve[np.isfinite(curve)][-1] for curve in curves["validation_loss"]]
    assert finals == pytest.approx([float(row["final_validation_loss"]) for row in table])
    assert str(tmp_path) in capsys.readouterr().out


def test_removes_stale_files(tmp_path):
    assert run(tmp_path, "--curves") == 0
    assert (tmp_path / "curves.npz").is_file()
    single = ["--learning-rate", "0.05", "--l2", "0", "--overwrite"]
    assert run(tmp_path, *single) == 0
    assert not (tmp_path / "curves.npz").exists()
    assert not (tmp_path / "accuracy_map.png").exists()


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
def test_invalid_settings_are_reported(flags, message, tmp_path, capsys):
    assert run(tmp_path / "new", *flags) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_optimizers_by_name():
    assert SweepSettings(optimizer="adam").common_settings.optimizer is optax.adam
    momentum = SweepSettings(optimizer="momentum").common_settings.transformation(0.1)
    first, state = momentum.update(jnp.ones(1), momentum.init(jnp.zeros(1)))
    second, _ = momentum.update(jnp.ones(1), state)
    np.testing.assert_allclose(np.asarray(second), 1.9 * np.asarray(first), rtol=1e-6)
    assert {*OPTIMIZERS} == {*get_args(get_type_hints(SweepSettings)["optimizer"])}


def test_settings_that_affect_the_runs():
    names = {*SweepSettings().of_the_runs()}
    assert {"model", "l2", "learning_rate", "seeds", "epochs", "precision", "devices"} <= names
    assert not {"output_dir", "resume", "data_dir", "process"} & names
