"""The README's commands and examples are what they say they are."""

import re
from pathlib import Path

import pytest

from experiments.__main__ import TASKS
from experiments.common.command import parse
from experiments.common.settings import Settings
from experiments.sweep.settings import SweepSettings
from experiments.task2_logistic.settings import Task2Settings

CLAIMS = {claim.statement.id for task in TASKS for claim in task.claims}
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_two_commands_do_all_the_setting_up():
    assert [block.strip() for block in blocks("sh")][:2] == [
        "pip install -e . && python -m experiments",
        'pip install -e ".[test]" && pytest',
    ]


@pytest.mark.parametrize("settings", [Task2Settings, SweepSettings])
def test_its_commands_for_an_experiment_can_be_given(settings: type[Settings]):
    name = {Task2Settings: "task2_logistic", SweepSettings: "sweep"}[settings]
    [flags] = re.findall(rf"^python -m experiments\.{name} (.+)$", README, re.MULTILINE)
    assert parse(settings, name, "", flags.split()) != settings()


@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize("example", blocks("python"))
def test_an_example_runs(example: str, capsys):
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_every_module_it_names_exists():
    for module in re.findall(r"python -m ([\w.]+)", README):
        path = Path(__file__).parents[2].joinpath(*module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    files = {link.split("#")[0] for link in links}
    assert all((Path(__file__).parents[2] / file).is_file() for file in files)


def test_every_claim_links_to_its_discussion():
    reproduction = Path(__file__).parents[2] / "docs" / "reproduction.md"
    titles = re.findall(r"^#+ (.+)$", reproduction.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {title.lower().replace(" ", "-") for title in titles}
    assert anchors >= CLAIMS
    assert set(re.findall(r"\(docs/reproduction\.md#(.+?)\)", README)) == CLAIMS
