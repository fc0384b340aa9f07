"""Benchmarks: every peer does the same work, and the floors and targets are correct."""

import json
import subprocess
import sys

import numpy as np
import pytest

from experiments.benchmarks import __main__ as command
from experiments.benchmarks import accuracy, floor, steps
from experiments.benchmarks.peers import called_jax, library, numpy_loop, scanned_jax
from experiments.benchmarks.process import MEASURE
from experiments.benchmarks.targets import Target, targets
from experiments.benchmarks.timing import interleaved
from experiments.benchmarks.work import Final, Work
from experiments.common.command import exit_code
from experiments.reported import LOGISTIC_RATE
from mnist_jax.data import Mnist, split
from mnist_jax.models import logistic, softmax
from mnist_jax.sweeps import Grid, sweep
from mnist_jax.training import Lag, TrainingSettings


@pytest.fixture(scope="module")
def work(mnist: Mnist) -> Work:
    return Work(split(mnist, train_size=2000, validation_size=1000), epochs=6)


def test_programs_are_called_in_turn():
    called: list[str] = []
    programs = {name: lambda name=name: called.append(name) for name in "abc"}
    times = interleaved(programs, repeats=2)
    assert called == [*"abc"] * 3
    assert [len(time.rest) for time in times.values()] == [2, 2, 2]


def assert_same_work(final: Final, expected: Final) -> None:
    # the batches have different orders
    assert final.validation_loss == pytest.approx(expected.validation_loss, rel=0.05)
    assert final.validation_accuracy == pytest.approx(expected.validation_accuracy, abs=0.03)
    assert final.train_accuracy == pytest.approx(expected.train_accuracy, abs=0.03)


def test_the_peers_do_the_same_work(work: Work):
    expected = numpy_loop.prepare(work)()
    assert 0.8 < expected.train_accuracy < 0.95
    assert_same_work(numpy_loop.prepare(work, tuned=True)(), expected)
    for peer in (library, called_jax, scanned_jax):
        assert_same_work(peer.prepare(work)(), expected)
    assert_same_work(scanned_jax.prepare(work, runs=3)(), expected)


def test_a_step_and_a_count_are_timed_in_each_precision(work: Work):
    for precision in ("float32", "float64"):
        times = steps.time_programs(softmax, work.split, runs=3, precision=precision)
        assert set(times) == {"seconds_per_step", "seconds_per_count"}
        assert min(times.values()) > 0


@pytest.mark.parametrize("way", [{}, {"loader": True}, {"compiled": True}])
def test_pytorch_does_the_same_work(work: Work, way: dict[str, bool]):
    pytest.importorskip("torch")
    from experiments.benchmarks.peers import pytorch

    if "compiled" in way and (why := pytorch.why_not_compiled()):
        pytest.skip(why)
    assert_same_work(pytorch.prepare(work, **way)(), numpy_loop.prepare(work)())


def test_a_vmapped_scan_stops_where_this_library_stops(mnist: Mnist):
    digits, seeds = split(mnist, digits=(2, 3)), range(3)
    settings = TrainingSettings(criterion=Lag(10))
    ours = sweep(logistic, digits, Grid(seeds, [LOGISTIC_RATE]), settings)
    assert scanned_jax.stopping_steps(digits, seeds).tolist() == ours.last_step.tolist()


def test_a_run_stops_where_the_loss_is_not_below_that_ten_evaluations_ago():
    falling = -np.arange(15.0)
    rising = np.where(np.arange(15) < 12, falling, 0.0)
    steps = scanned_jax.first_stops(np.stack([falling, rising]), every=5)
    assert steps.tolist() == [-1, 60]


def test_scikit_learn_comes_closer_to_the_accuracy(work: Work):
    by_sgd = list(accuracy.epochs_of_sgd(work))
    assert len(by_sgd) == work.epochs
    assert by_sgd[-1] > 0.6
    by_lbfgs = accuracy.iterations_of_lbfgs(work)
    assert [next(by_lbfgs) for _ in range(3)][-1] > 0.6


@pytest.mark.parametrize("runs", [1, 64])
def test_the_products_are_those_of_the_run(mnist: Mnist, runs: int):
    work = Work(split(mnist), epochs=50)
    assert (work.steps, work.evaluations) == (7000, 250)
    step = 2 * 2 * 128 * 785 * 10  # logits and gradient
    evaluation = 2 * (2000 + 18_000) * 785 * 10
    expected = runs * (7000 * step + 250 * evaluation)
    assert sum(p.flops for p in floor.products(work, runs)) == pytest.approx(expected, rel=1e-3)


def test_a_floor_is_measured():
    product = floor.Product("small", rows=20, inner=30, columns=40, repeats=3)
    assert product.flops == 3 * 2 * 20 * 30 * 40
    result = floor.program(product)()
    assert result.shape == (20, 40)
    chained = floor.program(product._replace(at_once=5))()
    assert np.isfinite(chained).all()


def test_a_target_is_reached_from_its_bound_on():
    assert Target("speed", 6.0, "times", least=6).reached
    assert not Target("speed", 5.9, "times", least=6).reached
    assert Target("time", 15.0, "s", most=15).reached
    assert not Target("time", 15.1, "s", most=15).reached


def test_targets_follow_the_measurements():
    times = {
        name: {"median_s": seconds}
        for name, seconds in {
            "mnist_jax": 1.0,
            "NumPy, float32": 7.0,
            "JAX, scanned epoch": 2.0,
            "PyTorch, indexing": 3.0,
        }.items()
    }
    peers = {"times": times, "floor": {"own_products_s": 0.5, "machine_s": 0.4}}
    found = {target.measure: target for target in targets({"peers": peers})}
    fastest = found["one run against the fastest peer (JAX, scanned epoch)"]
    assert (fastest.value, fastest.reached) == (2.0, False)
    assert found["one run against its own products"].value == 2.0
    assert not found["one run against the machine"].reached
    assert list(targets({})) == []


@pytest.mark.usefixtures("mnist")
def test_the_command_writes_what_it_measured(tmp_path, capsys):
    flags = ["--quick", "--parts", "stopping", "--seeds", "10", "--output-dir", str(tmp_path)]
    assert exit_code(lambda: command.run(flags)) == 0
    results = json.loads((tmp_path / "benchmarks.json").read_text())
    assert results["quick"] is True
    assert results["stopping"]["runs"] == 10
    against, target = results["targets"]
    seconds = results["stopping"]["seconds"]
    assert against["value"] == results["stopping"]["vmapped_scan_s"] / seconds
    assert (target["most"], target["value"]) == (15, seconds)
    assert "10 shuffled runs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--repeats", "0"], "repeats is 0"),
        (["--runs", "50"], "runs is 50; give a multiple of 100"),
    ],
)
def test_invalid_settings_are_reported(flags, message, tmp_path, capsys):
    flags = [*flags, "--parts", "stopping", "--output-dir", str(tmp_path / "new")]
    assert exit_code(lambda: command.run(flags)) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "torch" else name)
    flags = ["--parts", "peers", "--output-dir", str(tmp_path / "new")]
    assert exit_code(lambda: command.run(flags)) == 2
    assert "torch not found: pip install -e '.[bench]'" in capsys.readouterr().err


def test_the_memory_of_a_process_is_its_own():
    large = np.ones(2**26)  # 512 MB in this process, not in the measured one
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, "-c", "pass"],
        capture_output=True,
        text=True,
        check=True,
    )
    measured = json.loads(process.stdout)
    assert large.nbytes / 1e9 > 0.5 > measured["peak_gb"] > 0
    assert measured["exit_code"] == 0


@pytest.mark.usefixtures("mnist")
def test_an_interruption_keeps_the_parts_that_were_measured(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "measure", lambda mnist: ["measured"])
    monkeypatch.setattr(command.growth, "measure", interrupted)
    flags = ["--parts", "steps", "growth", "--quiet", "--output-dir", str(tmp_path)]
    assert exit_code(lambda: command.run(flags)) == 130
    written = json.loads((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    assert written["steps"] == ["measured"]
