"""The README's commands and examples are what they say they are."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_two_commands_do_all_the_setting_up():
    assert [block.strip() for block in blocks("sh")] == [
        "pip install -e . && python -m experiments",
        'pip install -e ".[test]" && pytest',
    ]


@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize("example", blocks("python"))
def test_an_example_runs(example: str, capsys):
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_every_module_it_names_exists():
    for module in re.findall(r"python -m ([\w.]+)", README):
        path = Path(__file__).parents[1].joinpath(*module.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert all((Path(__file__).parents[1] / link).is_file() for link in links)
