"""How far the report's claims hold: `python -m experiments.robustness`.

Every claim about training is judged in the settings that `declared` names, by the function that its
own task uses: the share of settings in which it holds, that share as the threshold of the verdict
varies, and the smallest change of one setting that turns the verdict. The same command goes on
where an earlier one was cut off.

Exit codes: 0 done; 2 something asked for can't be done, one message on stderr; 130 interrupted by
Ctrl-C; 143 ended by SIGTERM. What is done is kept.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import FlagCreatePairsOff

from experiments.common.command import DONE, exit_code, require_device, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings
from experiments.robustness import parts
from experiments.robustness.declared import Declared
from experiments.robustness.everything import Found, families, judge
from experiments.robustness.figures import draw
from experiments.robustness.judging import entry
from experiments.robustness.summary import setting_table, summary_table
from mnist_jax import data, plotting
from mnist_jax.results import environment, write_csv, write_json

KEPT = "what is done is kept: the same command goes on"


@dataclass(frozen=True, kw_only=True)
class RobustnessSettings(CommandSettings):
    """Command-line settings; what is trained is in `experiments/robustness/declared.py`."""

    data_dir: Path | None = None
    """Folder with the four files of the data set; by default they are taken from the cache or
    downloaded."""

    data_source: data.Source = "auto"
    """Where the data set is read from; "auto" tries the sources in turn."""

    output_dir: Path = Path("results/robustness")
    """Folder for what this command writes."""

    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Begin anew: remove the runs that an earlier command has kept in the output folder."""

    quick: Annotated[bool, FlagCreatePairsOff] = False
    """Do about a tenth."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Judge every claim in all declared settings.

    Args:
        arguments: Command-line flags; None for those of the process.

    Returns:
        The exit code.
    """
    module = "experiments.robustness"
    return run_command(RobustnessSettings, module, __doc__, judge_everywhere, arguments)


def judge_everywhere(settings: RobustnessSettings, folder: Path) -> int:
    """Train what is not kept yet, judge every claim, and write the results."""
    require_device()
    declared = Declared().quick() if settings.quick else Declared()
    mnist = load(settings)
    tables = train(settings, declared, mnist)
    found = judge(declared, tables, mnist)
    entries = [entry(each, declared.level) for each in found.multiverses]
    write(folder, declared, mnist, found, entries)
    if not settings.quiet:
        Console().print(summary_table(entries))
    print(f"written to {folder / 'robustness.json'}")
    return DONE


def load(settings: RobustnessSettings) -> data.Mnist:
    """Load MNIST, with a line on stderr for each thing done."""
    return data.load(
        settings.data_dir,
        source=settings.data_source,
        report=lambda line: None if settings.quiet else print(line, file=sys.stderr),
    )


def train(settings: RobustnessSettings, declared: Declared, mnist: data.Mnist) -> parts.Tables:
    """Train what is not kept yet; all families are checked before the first is begun."""
    everything = families(declared)
    kept = {
        family: parts.begin(
            settings.output_dir / "parts" / family,
            asdict(getattr(declared, family)),
            mnist.sha256,
            overwrite=settings.overwrite,
        )
        for family in everything
    }
    runs = sum(part.runs for its_parts in everything.values() for part in its_parts)
    with Progress(quiet=settings.quiet) as progress:
        return parts.train(everything, kept, mnist, progress.bar("runs", runs))


def write(
    folder: Path, declared: Declared, mnist: data.Mnist, found: Found, entries: list[dict]
) -> None:
    """Write the entries, what was declared, a table for each claim, and the figures."""
    write_json(folder / "robustness.json", entries)
    runs = {name: sum(part.runs for part in its) for name, its in families(declared).items()}
    about = {"data": mnist.sha256, "environment": environment(), "runs": runs}
    write_json(folder / "declared.json", {"declared": asdict(declared), **about})
    for each in found.multiverses:
        header, rows = setting_table(each)
        write_csv(folder / f"{each.claim.statement.id}.csv", header, rows)
    with plotting.style():
        for name, figure in draw(found, entries).items():
            plotting.save(figure, folder, name)


if __name__ == "__main__":
    raise SystemExit(exit_code(run, KEPT))
