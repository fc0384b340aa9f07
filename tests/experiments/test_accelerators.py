"""Analysis and checks of compiled programs; only the last test needs a compiler.

The recorded programs take seven steps w - 0.1 tanh(w x) x^T, with w of shape (16, 32) and x of
shape (32, 64), compiled for one H100, for four that share the columns of x, and for a TPU v5e.
"""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from experiments.accelerators import __main__ as command
from experiments.accelerators import checks, compiling, estimates, programs
from experiments.accelerators.devices import DEVICES, H100, V5E
from experiments.accelerators.hlo import Shape, parse
from experiments.accelerators.reading import Reader
from experiments.accelerators.roofline import operations, roofline
from experiments.common.command import exit_code
from experiments.common.progress import Progress
from mnist_jax.errors import UsageError

RECORDED = Path(__file__).parents[1] / "recorded"
WEIGHTS = 16 * 32
PROGRAM = programs.Program("steps", "training", "float32", 1, lambda placement: None, WEIGHTS, 7)


def text(name: str) -> str:
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8")


def reader(name: str, change: Callable[[str], str] = lambda text: text) -> Reader:
    return Reader(parse(change(text(name))))


def test_size_of_a_shape():
    assert Shape("f32", (10, 785), local=False).bytes == 31_400
    assert Shape("bf16", (3,), local=False).bytes == 6
    assert Shape("pred", (8, 2), local=True).bytes == 16
    assert Shape("u8", (), local=False).bytes == 1


@pytest.mark.parametrize(("name", "kernels"), [("h100_1", 3), ("v5e_1", 3), ("h100_4", 5)])
def test_the_kernels_of_a_step_are_those_of_the_loop(name: str, kernels: int):
    program = reader(name)
    assert len(program.step_kernels) == kernels
    assert program.unknown_loops == 0
    [loop] = [e for e in program.executions if e.instruction.opcode == "while"]
    assert all(e.times == 7 for e in program.executions if e.computation == program.step)
    assert loop.times == 1


@pytest.mark.parametrize("name", ["h100_1", "v5e_1"])
def test_weights_are_read_twice_and_written_once(name: str):
    # the kernel that computes the gradient also subtracts it
    assert reader(name).passes(WEIGHTS) == 3


def test_on_chip_arrays_cause_no_traffic():
    arrays = 4 * (16 * 32 + 32 * 64)
    inside = 7 * 4 * (3 * 16 * 32 + 2 * 32 * 64 + 2 * 16 * 64)
    assert inside < reader("h100_1").bytes < inside + 2 * arrays
    assert reader("v5e_1").bytes < 2 * arrays


def test_a_slice_reads_only_its_own_bytes():
    module = """ENTRY %main (x: f32[100,8], i: s32[]) -> f32[1,8] {
  %x = f32[100,8]{1,0} parameter(0)
  %i = s32[] parameter(1)
  ROOT %cut = f32[1,8]{1,0} fusion(%x, %i), kind=kLoop, calls=%fused
}
%fused (a: f32[100,8], b: s32[]) -> f32[1,8] {
  %a = f32[100,8]{1,0} parameter(0)
  %b = s32[] parameter(1)
  %zero = s32[] constant(0)
  ROOT %slice = f32[1,8]{1,0} dynamic-slice(%a, %b, %zero), dynamic_slice_sizes={1,8}
}
"""
    assert Reader(parse(module)).bytes == 32 + 4 + 32


def test_an_invalid_text_is_an_error():
    with pytest.raises(ValueError, match="no ENTRY"):
        parse("HloModule nothing")


def test_collectives():
    [collective] = reader("h100_4").collectives
    assert collective == ("all-reduce", 4 * WEIGHTS, 7, True)
    assert reader("h100_1").collectives == []


@pytest.mark.parametrize("name", ["h100_1", "v5e_1"])
def test_a_correct_program_passes(name: str):
    assert checks.violations(PROGRAM, reader(name), max_kernels=3) == []


def test_a_program_with_more_kernels_is_reported():
    [message] = checks.violations(PROGRAM, reader("h100_1"), max_kernels=2)
    assert message == "a step has 3 kernels; the recorded limit is 2"


@pytest.mark.parametrize("name", ["h100_1", "v5e_1"])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("operand_precision={highest,highest}", "x=1", "may run in TF32 or bfloat16"),
        ("f32[16,64]{", "bf16[16,64]{", "takes bf16"),
        (" tanh(", " infeed(", "calls the host"),
        ("tanh(", 'custom-call(), custom_call_target="xla_ffi_python_gpu_callback" ', "the host"),
        ("s32[]", "f64[]", "instructions in float64"),
    ],
)
def test_each_violation_is_reported(name: str, old: str, new: str, message: str):
    changed = reader(name, lambda text: text.replace(old, new))
    assert any(message in line for line in checks.violations(PROGRAM, changed, max_kernels=99))


def test_float64_is_allowed_in_a_float64_program():
    changed = reader("h100_1", lambda text: text.replace("f32", "f64"))
    double = PROGRAM._replace(precision="float64")
    assert checks.violations(double, changed, max_kernels=3) == []


def test_a_loop_of_unknown_length_asks_the_host():
    def forget(text: str) -> str:
        return text.replace("known_trip_count", "x").replace("constant(7)", "constant(-1)")

    lines = checks.violations(PROGRAM, reader("h100_1", forget), max_kernels=3)
    assert lines == ["1 loops ask the host whether to continue"]


def test_only_allowed_collectives_pass():
    four = PROGRAM._replace(chips=4)
    [line] = checks.violations(four, reader("h100_4"), max_kernels=5)
    assert line == f"collective all-reduce of {4 * WEIGHTS} bytes; allowed: none"
    reducing = four._replace(collectives=("all-reduce",))
    assert checks.violations(reducing, reader("h100_4"), max_kernels=5) == []


def test_operations_are_counted_through_loops_and_branches():
    def steps(w, x):
        body = lambda i, w: w - (w @ x) @ x.T
        return jax.lax.cond(True, lambda: jax.lax.fori_loop(0, 7, body, w), lambda: w)

    arrays = jnp.zeros((16, 32)), jnp.zeros((32, 64))
    assert operations(jax.make_jaxpr(steps)(*arrays)) == 7 * 2 * 2 * 16 * 32 * 64


def test_a_roofline_is_the_largest_of_the_bounds():
    assert roofline(H100, "float32", 0, 3.35e12) == (1.0, "memory")
    assert roofline(H100, "float32", 0, 0, 1.8e12) == (2.0, "link")
    assert roofline(V5E, "float32", 197e12 / 6, 1).bound == "operations"
    assert roofline(V5E, "float64", 1e30, 819e9) == (1.0, "memory")  # no rate is published


def test_missing_wheels_are_reported_with_the_extra(monkeypatch):
    def absent(name: str) -> str:
        raise compiling.PackageNotFoundError(name)

    monkeypatch.setattr(compiling, "version", absent)
    with pytest.raises(UsageError, match=r"libtpu not found: pip install -e '\.\[accelerators\]'"):
        compiling.check_wheels([*DEVICES.values()])
    monkeypatch.setattr(compiling, "version", lambda name: "0.0.1")
    with pytest.raises(UsageError, match=r"jax-cuda13-plugin is 0\.0\.1, but jax is"):
        compiling.check_wheels([H100])


def test_invalid_flags_are_reported(capsys):
    assert exit_code(lambda: command.run(["--chips", "3"])) == 2
    assert "chips is (3,); give 1, 4 or both" in capsys.readouterr().err


def test_kernels_of_all_training_programs_are_recorded():
    recorded = checks.recorded_kernels()
    training = {f"{p.name}, {p.precision}" for p in programs.programs(("training",))}
    assert {*recorded["h100"]} == training
    assert {*recorded["v5e"]} <= training
    assert "training, softmax, 1,000 runs, float32" in recorded["v5e"]


@pytest.mark.parametrize(("ratio", "violations"), [(0.99, 1), (1.0, 0), (1.15, 0), (1.16, 1)])
def test_an_estimate_is_compared_with_the_compiler(ratio: float, violations: int, monkeypatch):
    monkeypatch.setattr(estimates, "estimate", lambda *arguments: int(ratio * 10**9))
    rows: list[dict[str, Any]] = [
        {
            "program": f"{group}, softmax, 1,000 runs",
            **{"precision": "float32", "device": "h100", "compiled": True, "violations": []},
            "memory": {"total": total},
        }
        for group, total in (("training", 6 * 10**8), ("count", 4 * 10**8 + 18_000 * 788))
    ]
    estimates.compare(rows)
    assert len(rows[0]["violations"]) == violations
    assert rows[0]["plan"]["ratio"] == pytest.approx(ratio)


@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("libtpu", "jax_cuda13_plugin")),
    reason="needs the extra accelerators",
)
def test_a_program_is_compiled_for_both(tmp_path: Path):
    flags = ["--quick", "--programs", "checker", "--chips", "1", "--quiet"]
    assert command.run([*flags, "--output-dir", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "accelerators.json").read_text(encoding="utf-8"))
    assert {row["device"] for row in rows} == {"h100", "v5e"}
    assert all(row["compiled"] and row["bytes"] > 0 for row in rows)


def test_rows_of_other_programs_remain(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(
        command, "compiled_row", lambda device, program, limits: command._row(device, program, "no")
    )
    file = tmp_path / "accelerators.json"
    for device in ("h100", "v5e", "h100"):
        settings = command.AcceleratorSettings(
            devices=(device,), programs=("checker",), chips=(1,), quick=True
        )
        with Progress(quiet=True) as progress:
            rows = command.compile_all(settings, file, progress)
    assert sorted(row["device"] for row in rows) == ["h100", "v5e"]
    assert json.loads(file.read_text(encoding="utf-8")) == rows
