"""Files are written whole or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest

from mnist_jax.errors import UsageError
from mnist_jax.files import replacing
from mnist_jax.results import output_folder, write_csv, write_json


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path):
    path = tmp_path / "metrics.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_seen_before_it_is_complete(tmp_path: Path):
    with replacing(tmp_path / "file") as temporary:
        temporary.write_text("half")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_text() == "half"


def test_numbers_as_json(tmp_path: Path):
    value = {0.5: np.float32(0.25), "nan": np.nan, "inf": [np.inf], "array": np.arange(2)}
    write_json(tmp_path / "x.json", value | {"path": Path("a")})
    assert json.loads((tmp_path / "x.json").read_text()) == {
        **{"0.5": 0.25, "nan": None, "inf": [None], "array": [0, 1], "path": "a"}
    }


def test_float64_survives_the_files(tmp_path: Path):
    value = 0.1 + 0.2
    write_json(tmp_path / "x.json", value)
    write_csv(tmp_path / "x.csv", ["x", "missing"], [[value, np.nan]])
    assert json.loads((tmp_path / "x.json").read_text()) == value
    header, row = (tmp_path / "x.csv").read_text().splitlines()
    assert (header, row) == ("x,missing", f"{value!r},")


def test_an_output_folder_is_taken_back_on_an_error_but_only_if_it_was_made(tmp_path: Path):
    with pytest.raises(RuntimeError), output_folder(tmp_path / "a" / "b"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(RuntimeError), output_folder(tmp_path / "mine"):
        raise RuntimeError
    assert (tmp_path / "mine").is_dir()


def test_what_was_written_before_an_error_is_kept(tmp_path: Path):
    def write_then_fail() -> None:
        with output_folder(tmp_path / "a") as folder:
            write_json(folder / "done.json", 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_then_fail()
    assert (tmp_path / "a" / "done.json").exists()


def test_a_folder_that_cannot_be_searched_is_a_usage_error(tmp_path: Path, monkeypatch):
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(UsageError, match="Permission denied"), output_folder(tmp_path / "a"):
        pass


def test_a_folder_that_is_a_file_is_a_usage_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file"), output_folder(tmp_path / "file"):
        pass
