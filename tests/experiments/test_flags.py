"""Flags in groups: the same flags, settings and help as the dataclasses say."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from tyro.conf import Fixed

from experiments.__main__ import TASKS
from experiments.benchmarks.__main__ import BenchmarkSettings
from experiments.common.flags import GROUPS, parse_flags
from experiments.controls.__main__ import ControlSettings
from experiments.faults.__main__ import FaultSettings
from experiments.sweep.settings import SweepSettings

ALL = [*(task.settings for task in TASKS), SweepSettings, ControlSettings, BenchmarkSettings]
ALL += [FaultSettings]
every_command = pytest.mark.parametrize("settings", ALL, ids=lambda each: each.__name__)


@every_command
def test_without_flags_the_settings_are_the_defaults(settings):
    assert parse_flags(settings, "program", "", []) == settings()


@every_command
def test_every_flag_is_in_one_group_with_its_help_and_default(settings, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_flags(settings, "program", "What it does.", ["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    hints = get_type_hints(settings, include_extras=True)
    flags = [name for name, hint in hints.items() if Fixed not in get_args(hint)]
    assert len(flags) >= len(fields(settings)) - 1
    for name in flags:
        assert re.search(rf"--{name.replace('_', '-')}(?![\w-])", shown), name
    assert shown.count("(default:") + shown.count("(optional)") >= len(flags)
    assert "What it does." in shown
    assert "output options" in shown


def test_a_flag_belongs_to_one_group():
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))


def test_flags_of_all_groups_arrive():
    flags = ["--seeds", "7", "--l2", "0", "0.5", "--digits", "4", "9", "--devices", "2", "--quiet"]
    settings = parse_flags(SweepSettings, "program", "", flags)
    expected = SweepSettings(seeds=7, l2=(0.0, 0.5), digits=(4, 9), devices=2, quiet=True)
    assert settings == expected


def test_a_flag_that_there_is_none_of_is_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        parse_flags(SweepSettings, "program", "", ["--epoch", "3"])
    assert stop.value.code == 2
    assert "--epochs" in capsys.readouterr().err


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    given = ["--output-dir=~/here", "--data-dir=~/there"]
    parsed = parse_flags(SweepSettings, "program", "What it does.", given)
    assert (parsed.output_dir, parsed.data_dir) == (tmp_path / "here", tmp_path / "there")
