"""Fault tests: they detect escaped exceptions and lost files."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.faults import __main__ as command
from experiments.faults import fuzz, kills
from experiments.faults.inputs import make
from experiments.faults.kills import Victim

QUIET = ["--quiet", "--output-dir"]


def test_no_exception_escapes(tmp_path: Path, capsys):
    flags = ["--parts", "fuzz", "--inputs", "3000"]
    assert command.run([*flags, *QUIET, str(tmp_path)]) == 0
    assert "3000 inputs, 0 exceptions escaped" in capsys.readouterr().out
    results = json.loads((tmp_path / "fuzz.json").read_text())
    assert [sum(counts.values()) for counts in results["readers"].values()] == [1000] * 3
    for counts in results["readers"].values():
        assert min(counts["read"], counts["refused"]) > 20
    assert max(results["peak_bytes"].values()) < 4 * results["limit_bytes"]


def test_an_escaped_exception_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def parse(content: bytes) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr(fuzz, "parse_idx", parse)
    assert command.run(["--parts", "fuzz", "--inputs", "90", *QUIET, str(tmp_path)]) == 1
    escaped = json.loads((tmp_path / "fuzz.json").read_text())["escaped"]
    assert {failure["error"] for failure in escaped} == {"IndexError('out of range')"}
    number = escaped[0]["number"]
    content = make("idx", np.random.default_rng([0, number]))
    assert fuzz.read("idx", content) == "IndexError('out of range')"


CAREFUL = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
for number in range(5):
    if not (folder / str(number)).exists():
        time.sleep(0.1)
        (folder / f".{number}").write_text(str(number))
        (folder / f".{number}").rename(folder / str(number))
"""


def victim(program: str) -> Victim:
    return Victim(
        "a script",
        1.0,
        ("-c", program, "{}"),
        {},
        lambda path: not path.name.startswith("."),
    )


def test_a_careful_program_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kills, "MAX_DELAY", 0.1)
    found = kills.kill(victim(CAREFUL), 6, np.random.default_rng(0), tmp_path, lambda n: None)
    assert (found["kills"], found["files"], found["lost"]) == (6, 5, [])


WHOLE = {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("left", "lost"),
    [
        ([{"a": "1"}, WHOLE, WHOLE], []),
        ([{"a": "1"}, {}, WHOLE], ["a after kill 2"]),
        ([{"a": "1"}, {"a": "3"}, WHOLE], ["a after kill 2"]),
        ([{}, {}, {"a": "1"}], ["b at the end"]),
        ([{}, {}, {"a": "1", "b": "3"}], ["b at the end"]),
    ],
)
def test_lost_files_are_reported(
    left: list[dict[str, str]], lost: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    starts = iter([(WHOLE, 0), *((files, -9) for files in left[:2]), (left[2], 0)])

    def run(victim: Victim, folder: Path, moment: float, delay: float | None) -> int:
        files, code = next(starts)
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, content in files.items():
            (folder / name).write_text(content)
        return code

    monkeypatch.setattr(kills, "run", run)
    found = kills.kill(victim(""), 2, np.random.default_rng(0), tmp_path, lambda n: None)
    assert found["lost"] == lost


@pytest.mark.parametrize("flags", [["--inputs", "0"], ["--kills", "0"], ["--seed", "-1"]])
def test_invalid_settings_are_refused(flags: list[str]):
    with pytest.raises(ValueError, match="give at least"):
        command.run(flags)
