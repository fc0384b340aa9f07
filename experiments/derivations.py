"""Test whether the checker locates a wrong line in a derivation.

Exit codes: 0 if every mistake is located and no correct derivation is reported; 1 otherwise; 2 for
a user error, with one message on stderr; 130 after Ctrl-C.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.common.command import DONE, exit_code, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings, require_at_least
from experiments.controls.chains import Chain, check_chain, draw_chain
from mnist_jax.results import environment, write_json

NOT_TRUSTED = 1


@dataclass(frozen=True, kw_only=True)
class ChainSettings(CommandSettings):
    """Settings of the derivation tests."""

    output_dir: Path = Path("results/controls")
    """Folder for chains.json."""

    count: int = 500
    """Number of derivations with a mistake, and of derivations without one."""

    seed: int = 0
    """Seed of the derivations."""

    def check(self) -> "ChainSettings":
        """Validates the settings, and returns them."""
        require_at_least(self, count=1)
        return self


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the derivation tests from the command line; returns the exit code."""
    return run_command(ChainSettings, "experiments.derivations", __doc__, work, arguments)


def work(settings: ChainSettings, folder: Path) -> int:
    """Checks the derivations, writes chains.json and prints the counts."""
    numbers = count_located(settings)
    write_json(folder / "chains.json", numbers)
    print(f"{numbers['located']} of {settings.count} mistakes located at their line")
    print(f"{numbers['alarms']} false alarms on {settings.count} correct derivations")
    print(f"written to {folder / 'chains.json'}")
    trusted = numbers["located"] == settings.count and not numbers["alarms"]
    return DONE if trusted else NOT_TRUSTED


def chains(settings: ChainSettings) -> Iterator[Chain]:
    """Yields wrong and correct derivations in turn."""
    rng = np.random.default_rng(settings.seed)
    for _ in range(settings.count):
        yield draw_chain(rng, wrong=True)
        yield draw_chain(rng, wrong=False)


def count_located(settings: ChainSettings) -> dict[str, Any]:
    """Counts false alarms, and located mistakes in total and of each kind."""
    drawn: Counter[str] = Counter()
    located: Counter[str] = Counter()
    alarms = 0
    with Progress(quiet=settings.quiet) as progress:
        update = progress.bar("derivations", 2 * settings.count)
        for done, chain in enumerate(chains(settings), 1):
            found = check_chain(chain).first_wrong
            if chain.wrong is None:
                alarms += found is not None
            else:
                kind = chain.name.partition(", ")[2]
                drawn[kind] += 1
                located[kind] += found == chain.wrong
            update(done)
    kinds = {kind: {"drawn": drawn[kind], "located": located[kind]} for kind in sorted(drawn)}
    counts = {"count": settings.count, "located": located.total(), "alarms": alarms}
    return {
        "settings": asdict(settings),
        "environment": environment(),
        **counts,
        "kinds": kinds,
    }


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
