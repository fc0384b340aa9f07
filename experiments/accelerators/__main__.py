"""Compile every program for accelerators that are not present, and check the compiled programs.

Exit codes: 0 for success; 1 if a check fails, with a message for each on stderr; 2 for a user error
or a missing compiler; 130 after Ctrl-C.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.table import Table
from tyro.conf import FlagCreatePairsOff

from experiments.accelerators import checks, compiling, estimates
from experiments.accelerators.devices import DEVICES, Device, DeviceName
from experiments.accelerators.hlo import parse
from experiments.accelerators.programs import GROUPS, Group, Program, programs
from experiments.accelerators.reading import Reader
from experiments.accelerators.roofline import operations, roofline
from experiments.common.command import DONE, exit_code, run_command
from experiments.common.progress import Progress
from experiments.common.settings import CommandSettings
from mnist_jax.errors import UsageError
from mnist_jax.results import write_json

VIOLATED = 1


@dataclass(frozen=True, kw_only=True)
class AcceleratorSettings(CommandSettings):
    """Settings of the compilation for accelerators."""

    output_dir: Path = Path("results/accelerators")
    """Folder for accelerators.json."""

    devices: tuple[DeviceName, ...] = ("h100", "v5e")
    """Devices to compile for."""

    programs: tuple[Group, ...] = GROUPS
    """Groups of programs to compile."""

    chips: tuple[int, ...] = (1, 4)
    """Numbers of chips that share a program: 1, 4 or both."""

    emulated: Annotated[bool, FlagCreatePairsOff] = False
    """Also compile float64 for devices that emulate it, which takes minutes a program."""

    record: Annotated[bool, FlagCreatePairsOff] = False
    """Record the number of kernels of each training step as the limit for later runs."""

    quick: Annotated[bool, FlagCreatePairsOff] = False
    """Run a shorter form: one program of each kind."""

    def check(self) -> "AcceleratorSettings":
        """Validates the settings, and returns them."""
        for name in ("devices", "programs", "chips"):
            if not getattr(self, name):
                raise UsageError(f"{name} is empty; name at least one, or leave --{name} out.")
        if not {*self.chips} <= {1, 4}:
            raise UsageError(f"chips is {self.chips}; give 1, 4 or both.")
        compiling.check_wheels([DEVICES[name] for name in self.devices])
        return self


def work(settings: AcceleratorSettings, folder: Path) -> int:
    """Compiles and checks the programs, writes accelerators.json and prints a table."""
    compiling.prepare()
    with Progress(quiet=settings.quiet) as progress:
        rows = compile_all(settings, folder / "accelerators.json", progress)
    if settings.record:
        record(rows)
    if not settings.quiet:
        show(rows)
    print(f"written to {folder}")
    return report(rows)


def compile_all(
    settings: AcceleratorSettings, file: Path, progress: Progress
) -> list[dict[str, Any]]:
    """Compiles the requested programs; returns a row for each program on each device.

    The file is written after every program, so that an interruption keeps the rows so far. Rows of
    an earlier run for other programs remain, because all of them take an hour to compile.
    """
    work = [
        (DEVICES[name], program)
        for name in settings.devices
        for program in programs(settings.programs, quick=settings.quick)
        if program.chips in settings.chips
    ]
    bar = progress.bar("programs", len(work))
    limits = {} if settings.record else checks.recorded_kernels()
    asked = {_name(_row(device, program, "")) for device, program in work}
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    rows = [row for row in earlier if _name(row) not in asked]
    for number, (device, program) in enumerate(work):
        skip = program.precision not in device.operations and not settings.emulated
        rows.append(skipped_row(device, program) if skip else compiled_row(device, program, limits))
        estimates.compare(rows)
        write_json(file, rows)
        bar(number + 1)
    return rows


def compiled_row(
    device: Device, program: Program, limits: dict[str, dict[str, int]]
) -> dict[str, Any]:
    """Compiles one program and reads the result."""
    traced = program.traced(compiling.chips(device, program.chips))
    compiled = compiling.compile_for(device, traced, program.precision)
    row = _row(device, program, compiled.error) | {"compile_seconds": compiled.seconds}
    if compiled.error:
        return row | {"violations": [f"not compiled: {compiled.error}"]}
    reader = Reader(parse(compiled.text))
    limit = limits.get(device.name, {}).get(checks.key(row)) if program.steps else None
    count = operations(traced.jaxpr) // program.chips
    exchanged = sum(collective.bytes * collective.times for collective in reader.collectives)
    bound = roofline(device, program.precision, count, reader.bytes, exchanged)
    return row | {
        "memory": compiled.memory,
        "steps": program.steps,
        "kernels_per_step": len(reader.step_kernels),
        "weight_passes_per_step": reader.passes(program.weights) if program.steps else None,
        "collectives": [collective._asdict() for collective in reader.collectives],
        "operations": count,
        "bytes": reader.bytes,
        "roofline_seconds": bound.seconds,
        "roofline_bound": bound.bound,
        "violations": checks.violations(program, reader, limit),
    }


def skipped_row(device: Device, program: Program) -> dict[str, Any]:
    """Returns the row of a program that is not compiled."""
    return _row(
        device, program, f"{device.title} emulates {program.precision}; --emulated compiles it"
    )


def _row(device: Device, program: Program, reason: str) -> dict[str, Any]:
    """Returns the row of a program, with the reason why it is not compiled."""
    return {
        "program": program.name,
        "group": program.group,
        "device": device.name,
        "chips": program.chips,
        "precision": program.precision,
        "bytes": None,
        "kernels_per_step": None,
        "compiled": not reason,
        "reason": reason,
        "violations": [],
    }


def _name(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("program", "precision", "device", "chips"))


def record(rows: Iterable[dict[str, Any]]) -> None:
    """Records the kernels of the training steps; keeps the limits of other programs."""
    numbers = checks.recorded_kernels()
    for row in rows:
        if row["compiled"] and row["steps"]:
            numbers.setdefault(row["device"], {})[checks.key(row)] = row["kernels_per_step"]
    write_json(checks.RECORDED, numbers)


def show(rows: Iterable[dict[str, Any]]) -> None:
    """Prints a table of the compiled programs."""
    columns = ("program", "dtype", "device", "memory", "kernels", "roofline")
    table = Table(*columns, title="Compiled, not run", title_justify="left")
    for row in rows:
        names = row["program"], row["precision"], f"{row['chips']} {row['device']}"
        if row["compiled"]:
            memory = f"{row['memory']['total'] / 1e6:,.1f} MB"
            seconds = f"{row['roofline_seconds'] * 1e3:.3g} ms"
            table.add_row(*names, memory, str(row["kernels_per_step"]), seconds)
        else:
            table.add_row(*names, "not compiled", "", "")
    Console().print(table)


def report(rows: Iterable[dict[str, Any]]) -> int:
    """Prints violations on stderr; returns the exit code."""
    violated = [(row, violation) for row in rows for violation in row["violations"]]
    for row, violation in violated:
        names = f"{checks.key(row)}, {row['chips']} {row['device']}"
        print(f"violated: {names}: {violation}", file=sys.stderr)
    return VIOLATED if violated else DONE


run = partial(run_command, AcceleratorSettings, "experiments.accelerators", __doc__, work)

if __name__ == "__main__":
    raise SystemExit(exit_code(run))
