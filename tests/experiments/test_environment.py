"""Names with any signs, devices that are not there, full disks, what JAX was told beforehand."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from experiments.report.document import plain
from mnist_jax.data import Mnist
from mnist_jax.results import write_json

QUICK = ["--quick", "--epochs", "1", "--no-shuffle", "--train-size", "900", "--quiet"]
DENIED = Path("/dev/full")


def task2(folder: Path, *prefix: str, stdout: int | None = None, **environment: str):
    command = [*prefix, sys.executable, "-m", "experiments.task2_logistic", *QUICK]
    return subprocess.run(
        [*command, "--output-dir", str(folder)],
        env={**os.environ, "JAX_PLATFORMS": "cpu", **environment},
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.exhaustive
@pytest.mark.usefixtures("mnist")
def test_nan_may_be_looked_for(tmp_path: Path):
    done = task2(tmp_path, JAX_DEBUG_NANS="True", JAX_DEBUG_INFS="True")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def recorded(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder of an odd name, and the configuration of a run with three threads in it."""
    del mnist  # without the data, skipped with the reason
    folder = tmp_path_factory.mktemp("odd") / os.fsdecode(b"\xff<b>|\n") / "λ"
    done = task2(folder, PYTHONIOENCODING="ascii", NPROC="3")
    assert done.returncode == 0, done.stderr
    assert r"\u03bb" in done.stdout
    return folder, json.loads((folder / "config.json").read_text())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors can't be chosen")
def test_the_threads_that_were_used_are_recorded(recorded: tuple[Path, Any]):
    environment = recorded[1]["environment"]
    assert environment["threads"] == 3
    assert environment["variables"]["NPROC"] == "3"


@pytest.mark.exhaustive  # test_commands.py has a full disk in this process
@pytest.mark.usefixtures("mnist")
@pytest.mark.skipif(os.name == "nt", reason="bash")
def test_a_disk_that_fills_up_keeps_the_numbers(tmp_path: Path):
    done = task2(tmp_path, "bash", "-c", 'ulimit -f 30; exec "$@"', "bash")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "can't be written: File too large. Make room" in done.stderr
    assert json.loads((tmp_path / "metrics.json").read_text())
    assert json.loads((tmp_path / "config.json").read_text())


@pytest.mark.usefixtures("mnist")
@pytest.mark.skipif(not DENIED.exists(), reason="no /dev/full")
def test_a_full_disk_under_what_is_printed_is_one_message(tmp_path: Path):
    with DENIED.open("w") as full:
        done = task2(tmp_path, stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr.startswith("error: No space left on device: standard output; ")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "metrics.json").is_file()


@pytest.mark.skipif(os.name == "nt", reason="names of files are bytes only on POSIX")
def test_a_folder_of_any_name_is_recorded(recorded: tuple[Path, Any]):
    assert recorded[1]["settings"]["output_dir"] == str(recorded[0])


# in one process, as imports take seconds
IN_TURN = """
import runpy, sys
folder, *modules = sys.argv[1:]
for module in modules:
    sys.argv = [module, "--output-dir", folder]
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as ended:
        print(ended.code)
"""


def test_a_device_that_is_not_there_is_one_message_of_every_command(tmp_path: Path):
    modules = ("experiments.task2_logistic", "experiments.sweep", "experiments.derivations")
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, str(tmp_path / "new"), *modules],
        env={**os.environ, "JAX_PLATFORMS": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.split() == ["2"] * 3, done.stderr
    messages = done.stderr.splitlines()
    assert len(messages) == 3
    for message in messages:
        assert message.startswith("error: JAX can't start: ")
        assert "JAX_PLATFORMS is 'nonsense'" in message
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "value", ["<script>alert(1)</script>", "a|b", "![x](y)", "`c`", "two\nlines", "_e_ *f*", "$g$"]
)
def test_a_value_is_no_markup_in_the_report(value: str):
    table = f"| a | b |\n|---|---|\n| {plain(value)} | last |\n"
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").parse(table)
    cells = [token for token in shown if token.type == "inline"][2:]
    assert len(cells) == 2
    kinds = {child.type for cell in cells for child in cell.children or []}
    assert kinds <= {"text", "text_special", "softbreak"}
    text = "".join(child.content for child in cells[0].children or [])
    assert text == " ".join(value.split())


def test_json_holds_names_that_are_no_text(tmp_path: Path):
    name = os.fsdecode(b"\xff") if os.name != "nt" else "a"
    write_json(tmp_path / "a.json", {"name": Path(name)})
    assert json.loads((tmp_path / "a.json").read_text()) == {"name": name}
