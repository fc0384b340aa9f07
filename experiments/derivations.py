"""Is the wrong line of a derivation found? `python -m experiments.derivations`.

Exit codes: 0 every mistake is located at its line, and no right derivation is said to be wrong;
1 otherwise; 2 wrong use, one message on stderr; 130 interrupted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tyro.conf import FlagCreatePairsOff

from experiments.common.command import DONE, announce, exit_code
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from experiments.controls.chains import Chain, check_chain, draw_chain
from mnist_jax.errors import UsageError
from mnist_jax.results import environment, output_folder, write_json

NOT_TRUSTED = 1


@dataclass(frozen=True, kw_only=True)
class ChainSettings:
    """How many derivations are checked, and where the numbers go."""

    count: int = 500
    """Derivations with a mistake, and as many without."""

    seed: int = 0
    """Seed of all."""

    output_dir: Path = Path("results/controls")
    """Folder for what this command writes."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """No progress bar; only where the file is, and what went wrong."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Check derivations, and count the mistakes that are located.

    Args:
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """
    program = "python -m experiments.derivations"
    settings = parse_flags(ChainSettings, program, __doc__ or "", arguments)
    if settings.count < 1:
        raise UsageError(f"count is {settings.count}; give at least 1.")
    with output_folder(settings.output_dir) as folder:
        announce(folder, quiet=settings.quiet)
        numbers = count_located(settings)
        write_json(folder / "chains.json", numbers)
    print(f"{numbers['located']} of {settings.count} mistakes located at their line")
    print(f"{numbers['alarms']} false alarms on {settings.count} right derivations")
    print(f"written to {folder / 'chains.json'}")
    trusted = numbers["located"] == settings.count and not numbers["alarms"]
    return DONE if trusted else NOT_TRUSTED


def chains(settings: ChainSettings) -> Iterator[Chain]:
    """The derivations, wrong ones and right ones in turn."""
    rng = np.random.default_rng(settings.seed)
    for _ in range(settings.count):
        yield draw_chain(rng, wrong=True)
        yield draw_chain(rng, wrong=False)


def count_located(settings: ChainSettings) -> dict[str, Any]:
    """What chains.json holds: the counts, and of each kind of mistake how many are located."""
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
