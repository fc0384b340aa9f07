"""The command `mnist-jax`, and features of all commands: version, suggestions, narrow terminals."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mnist_jax
from experiments.common.flags import parse_flags
from experiments.completion import SETTINGS, script
from experiments.sweep.settings import SweepSettings
from experiments.task2_logistic.settings import Task2Settings
from mnist_jax.__main__ import COMMANDS, find, main

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())


def test_the_version_is_one():
    assert PYPROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "mnist_jax.__version__"
    citation = (Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {re.escape(mnist_jax.__version__)}$", citation, re.MULTILINE)


def test_every_command_prints_the_version(capsys):
    assert main(["--version"]) == 0
    for settings in SETTINGS.values():
        with pytest.raises(SystemExit) as stop:
            parse_flags(settings, "program", "", ["--version"])
        assert stop.value.code == 0
    assert set(capsys.readouterr().out.splitlines()) == {f"mnist_jax {mnist_jax.__version__}"}


def test_a_wheel_holds_the_library_alone():
    assert PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"] == ["mnist_jax*"]
    assert PYPROJECT["project"]["scripts"] == {"mnist-jax": "mnist_jax.__main__:main"}


def test_every_command_is_a_module_and_has_completion():
    for name, command in COMMANDS.items():
        assert importlib.util.find_spec(command.module) is not None
        assert find(name) == find(command.module.rpartition(".")[2]) == command
    assert {*SETTINGS} == {*COMMANDS} - {"gradcheck"}


@pytest.mark.parametrize("flags", [[], ["--help"]])
def test_without_a_command_all_are_listed(flags, capsys):
    assert main(flags) == 0
    shown = capsys.readouterr().out
    assert all(
        f"  {name} " in shown and command.help in shown for name, command in COMMANDS.items()
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["swep"], "error: unknown command 'swep'; perhaps sweep?"),
        (["xyzzy"], "error: unknown command 'xyzzy': choose one of report, task1"),
        (["--print-completion"], "error: --print-completion takes one of bash, zsh, fish"),
        (["--print-completion", "cmd"], "takes one of bash"),
    ],
)
def test_an_unknown_command_is_one_message(flags, message, capsys):
    assert main(flags) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


def test_without_a_checkout_the_message_says_where_the_experiments_are(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["sweep", "--seeds", "3"]) == 2
    assert "sweep needs the experiments, which are in the checkout" in capsys.readouterr().err
    assert main(["--print-completion", "bash"]) == 2


def in_process(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *flags],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_command_takes_its_flags():
    process = in_process("mnist_jax", "task2_logistic", "--epochs", "0")
    assert process.returncode == 2
    assert "epochs is 0" in process.stderr


@pytest.mark.parametrize("columns", ["1", "5"])
def test_help_ends_in_a_narrow_terminal(columns):
    process = in_process("experiments.task2_logistic", "--help", COLUMNS=columns)
    assert process.returncode == 0
    assert "--learning-rate" in process.stdout


@pytest.mark.parametrize(
    ("given", "meant"),
    [("--lr", "--learning-rate"), ("--bs", "--batch-size"), ("--lr=0.1", "--learning-rate")],
)
def test_initials_suggest_the_flag(given, meant, capsys):
    with pytest.raises(SystemExit) as stop:
        parse_flags(Task2Settings, "program", "", [given, "1"])
    assert stop.value.code == 2
    assert f"perhaps {meant}?" in capsys.readouterr().err


def test_a_flag_that_is_the_initials_of_another_is_taken():
    assert parse_flags(SweepSettings, "program", "", ["--l2", "0.5"]).l2 == (0.5,)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_help_is_of_sentences_without_none(settings, capsys):
    with pytest.raises(SystemExit):
        parse_flags(settings, "program", "What it does.", ["--help"])
    shown = capsys.readouterr().out
    assert "None" not in shown
    text = re.sub(r"[│╭╮╰╯─\s]+", " ", shown)
    helps = re.findall(r"(\S+ [^()]*?) \((?:default:|optional)", text)
    assert len(helps) > 3
    assert [each for each in helps if not each.rstrip().endswith((".", ")"))] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("words", "completed"),
    [(["sw"], "sweep"), (["sweep", "--lea"], "--learning-rate"), (["task3", "--qui"], "--quick")],
)
def test_completion_in_bash(words, completed, tmp_path):
    path = tmp_path / "completion.sh"
    path.write_text(script("bash"))
    line = " ".join(["mnist-jax", *words])
    commands = f"""
        source {path}
        complete_it=$(complete -p mnist-jax | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_LINE="{line}"; COMP_POINT={len(line)}
        $complete_it mnist-jax {words[-1]} x
        echo "${{COMPREPLY[@]}}"
    """
    shown = subprocess.run(["bash", "-c", commands], capture_output=True, text=True, check=True)
    assert completed in shown.stdout.split()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_in_other_shells_names_commands_and_flags(shell):
    text = script(shell)
    assert "sweep" in text
    assert "learning-rate" in text


def test_help_imports_no_slow_package():
    # each takes longer to import than a person waits for --help
    heavy = {"matplotlib", "scipy.special", "scipy.signal", "scipy.stats", "sklearn", "torch"}
    modules = [command.module for command in COMMANDS.values()]
    program = f"""
import importlib.util, sys
for module in {modules}:
    package = importlib.util.find_spec(module).submodule_search_locations
    importlib.import_module(module + ".__main__" if package else module)
    found = sorted({heavy} & sys.modules.keys())
    assert not found, f"{{module}} imports {{found}} before it knows that it needs them"
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_help_of_the_report_imports_no_gradient_checker():
    modules = "experiments.__main__, experiments.docs, experiments.verify.__main__"
    found = "sorted({'flint', 'mnist_jax.gradcheck', 'latex2mathml'} & sys.modules.keys())"
    subprocess.run([sys.executable, "-c", f"import sys, {modules}\nassert not {found}"], check=True)
