"""Compile every program for accelerators that are not there, and read what the compilers made.

Exit codes: 0 done; 1 a program does what it must not, each named on stderr; 2 wrong use or a
compiler that is missing; 130 interrupted.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.table import Table
from tyro.conf import FlagCreatePairsOff

from experiments.accelerators import checks, compiling, plans
from experiments.accelerators.devices import DEVICES, Device, DeviceName
from experiments.accelerators.hlo import parse
from experiments.accelerators.programs import GROUPS, Group, Program, programs
from experiments.accelerators.reading import Reader
from experiments.accelerators.roofline import operations, roofline
from experiments.common.command import DONE, exit_code
from experiments.common.flags import parse_flags
from experiments.common.progress import Progress
from mnist_jax.errors import UsageError
from mnist_jax.results import output_folder, write_json

VIOLATED = 1


@dataclass(frozen=True, kw_only=True)
class AcceleratorSettings:
    """What is compiled, and for which devices."""

    output_dir: Path = Path("results/accelerators")
    """Folder for accelerators.json."""

    devices: tuple[DeviceName, ...] = ("h100", "v5e")
    """Devices to compile for."""

    programs: tuple[Group, ...] = GROUPS
    """Groups of programs to compile."""

    chips: tuple[int, ...] = (1, 4)
    """Numbers of chips that share a program, some of 1 and 4."""

    emulated: Annotated[bool, FlagCreatePairsOff] = False
    """Also compile float64 for devices that have to emulate it, which takes minutes a program."""

    record: Annotated[bool, FlagCreatePairsOff] = False
    """Write down the kernels of a training step as the most that later ones may have."""

    quick: Annotated[bool, FlagCreatePairsOff] = False
    """A shorter form: one program of each kind."""

    quiet: Annotated[bool, FlagCreatePairsOff] = False
    """Print no progress and no table, only where the file is and what went wrong."""

    def check(self) -> "AcceleratorSettings":
        """The settings, or a UsageError for what is wrong with them."""
        for name in ("devices", "programs", "chips"):
            if not getattr(self, name):
                raise UsageError(f"{name} is empty; name at least one, or leave --{name} out.")
        if not {*self.chips} <= {1, 4}:
            raise UsageError(f"chips is {self.chips}; give 1, 4 or both.")
        compiling.check_wheels([DEVICES[name] for name in self.devices])
        return self


def run(arguments: Sequence[str] | None = None) -> int:
    """Compiles, and writes what was found.

    Args:
        arguments: The flags; None for those of the process.

    Returns:
        The exit code.
    """
    title = (__doc__ or "").split("\n", 1)[0]
    program = "python -m experiments.accelerators"
    settings = parse_flags(AcceleratorSettings, program, title, arguments).check()
    compiling.prepare()
    with output_folder(settings.output_dir) as folder, Progress(quiet=settings.quiet) as progress:
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
    """Compiles what the settings name; a row for each program on each device.

    The file holds the rows so far, whenever this is interrupted.
    """
    work = [
        (DEVICES[name], program)
        for name in settings.devices
        for program in programs(settings.programs, quick=settings.quick)
        if program.chips in settings.chips
    ]
    bar = progress.bar("programs", len(work))
    recorded = {} if settings.record else checks.recorded_kernels()
    rows = []
    for number, (device, program) in enumerate(work):
        skipped = program.precision not in device.operations and not settings.emulated
        rows.append(_left_out(device, program) if skipped else row(device, program, recorded))
        plans.hold(rows)
        write_json(file, rows)
        bar(number + 1)
    return rows


def row(device: Device, program: Program, recorded: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Compiles one program and reads what came of it."""
    traced = program.traced(compiling.chips(device, program.chips))
    compiled = compiling.compile_for(device, traced, program.precision)
    found = _names(device, program) | {
        "compiled": not compiled.reason,
        "reason": compiled.reason,
        "compile_seconds": compiled.seconds,
    }
    if compiled.reason:
        return found | {"violations": [f"not compiled: {compiled.reason}"]}
    reader = Reader(parse(compiled.text))
    most = recorded.get(device.name, {}).get(checks.key(program)) if program.steps else None
    done = operations(traced.jaxpr) // program.chips
    told = sum(each.bytes * each.times for each in reader.collectives)
    bound = roofline(device, program.precision, done, reader.bytes, told)
    return found | {
        "memory": compiled.memory,
        "steps": program.steps,
        "kernels_per_step": len(reader.step_kernels),
        "weight_passes_per_step": reader.passes(program.weights) if program.steps else None,
        "collectives": [each._asdict() for each in reader.collectives],
        "operations": done,
        "bytes": reader.bytes,
        "roofline_seconds": bound.seconds,
        "roofline_bound": bound.bound,
        "violations": checks.violations(program, reader, most),
    }


def _names(device: Device, program: Program) -> dict[str, Any]:
    return {
        "program": program.name,
        "group": program.group,
        "device": device.name,
        "chips": program.chips,
        "precision": program.precision,
        "bytes": None,
        "kernels_per_step": None,
    }


def _left_out(device: Device, program: Program) -> dict[str, Any]:
    reason = f"{device.title} emulates {program.precision}; --emulated compiles it all the same"
    return _names(device, program) | {"compiled": False, "reason": reason, "violations": []}


def record(rows: Iterable[dict[str, Any]]) -> None:
    """Writes down the kernels of the training steps, beside those that were not compiled now."""
    numbers = checks.recorded_kernels()
    for each in rows:
        if each["compiled"] and each["steps"]:
            name = f"{each['program']}, {each['precision']}"
            numbers.setdefault(each["device"], {})[name] = each["kernels_per_step"]
    write_json(checks.RECORDED, numbers)


def show(rows: Iterable[dict[str, Any]]) -> None:
    """Prints a table of what was compiled."""
    table = Table(title="Compiled for, not run on", title_justify="left")
    for column in ("program", "dtype", "device", "memory", "kernels", "roofline"):
        table.add_column(column)
    for each in rows:
        names = each["program"], each["precision"], f"{each['chips']} {each['device']}"
        if each["compiled"]:
            memory = f"{each['memory']['total'] / 1e6:,.1f} MB"
            seconds = f"{each['roofline_seconds'] * 1e3:.3g} ms"
            table.add_row(*names, memory, str(each["kernels_per_step"]), seconds)
        else:
            table.add_row(*names, "not compiled", "", "")
    Console().print(table)


def report(rows: Iterable[dict[str, Any]]) -> int:
    """Names violations on stderr; the exit code."""
    code = DONE
    for each in rows:
        for violation in each["violations"]:
            names = f"{each['program']}, {each['precision']}, {each['chips']} {each['device']}"
            print(f"violated: {names}: {violation}", file=sys.stderr)
            code = VIOLATED
    return code


if __name__ == "__main__":
    raise SystemExit(exit_code(run))
