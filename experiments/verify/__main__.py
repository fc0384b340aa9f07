"""Verify published claims: `python -m experiments.verify claims.json --claim stopping-step`.

Runs again what the claims need, compares every number behind them, and says why one moved. Exit
codes: 0 everything agrees, to rounding; 1 something moved; 2 the file can't be verified, one
message on stderr.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff

from experiments.common.command import DONE, exit_code, load, require_device
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from experiments.common.settings import Settings
from experiments.common.words import counted
from experiments.verify.causes import told
from experiments.verify.published import Published, read
from experiments.verify.verifying import Verified, verify
from mnist_jax import data

MOVED = 1
"""Exit code: a number or a verdict is not what was published."""
SHOWN = 5
"""Moved numbers of a claim that are printed."""


@dataclass(frozen=True, kw_only=True)
class VerifySettings:
    """What to verify."""

    claims_file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="CLAIMS.JSON")] = Path(
        "results/claims.json"
    )
    """The published file."""

    claim: tuple[str, ...] = ()
    """Ids of the claims to verify; by default every claim of the file."""

    data_dir: Path | None = None
    """Folder with the four files of the data set; by default they are taken from the cache or
    downloaded."""

    data_source: data.Source = "auto"
    """Where the data set is read from; "auto" tries the sources in turn."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress, only what was found."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Verifies published claims from the command line; returns the exit code."""
    description = "Run published claims again and compare every number behind them."
    settings = parse_flags(VerifySettings, "python -m experiments.verify", description, arguments)
    claims = read(settings.claims_file, settings.claim)
    require_device()
    with Progress(quiet=settings.quiet) as progress:
        verified = [
            each
            for name, together in groupby(claims, key=data_set_of)
            for each in verify(list(together), load(_of_data(settings, name)), progress)
        ]
    show(verified)
    return DONE if all(each.agrees for each in verified) else MOVED


def data_set_of(claim: Published) -> data.DataSetName:
    """The data set that a claim was measured on."""
    return claim.settings.data_set


def _of_data(settings: VerifySettings, data_set: data.DataSetName) -> Settings:
    places = {name: getattr(settings, name) for name in ("data_dir", "data_source", "quiet")}
    return Settings(data_set=data_set, **places)


def show(verified: Sequence[Verified]) -> None:
    """Print a line for each claim, what moved and why under it, and what else differs."""
    for each in verified:
        print(f"{each.id}: {each}")
        for moved in each.beyond[:SHOWN]:
            print(f"  {moved}")
        if len(each.beyond) > SHOWN:
            print(f"  and {counted(len(each.beyond) - SHOWN, 'number')} more")
        if not each.agrees:
            print(f"  because of {each.why[0].cause}: {told(each.why)}")
    agreeing = [each for each in verified if each.agrees]
    print(f"{len(agreeing)} of {len(verified)} claims agree")
    if others := {what: None for each in agreeing for what in each.found}:
        print("although", *(each.what for each in others), sep="\n  ")


if __name__ == "__main__":
    raise SystemExit(exit_code(run, "nothing is written"))
