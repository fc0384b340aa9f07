"""What a person with such a device relies on, asserted of the compiled programs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from experiments.accelerators.hlo import Computation, Instruction
from experiments.accelerators.programs import Program
from experiments.accelerators.reading import HOST, Reader, product

RECORDED = Path(__file__).parent / "kernels.json"
FULL = re.compile(
    r"operand_precision=\{highest,highest\}|algorithm=dot_f32_f32_f32\b"
    r'|"operand_precision":\["HIGHEST","HIGHEST"\]'
)
NARROW = ("bf16", "f16", "f8")


def violations(program: Program, reader: Reader, recorded: int | None) -> list[str]:
    """What a compiled program does that it must not.

    Args:
        program: What was compiled.
        reader: Reads what came of it.
        recorded: The most kernels of a step; None if the program does not train.

    Returns:
        A sentence for each violation.
    """
    found = [*_hosts(reader), *_talks(program, reader)]
    if program.precision == "float32":
        found += [*_products(reader), *_doubles(reader)]
    kernels = len(reader.step_kernels)
    if recorded is not None and kernels > recorded:
        found.append(f"a step has {kernels} kernels; {recorded} are recorded as the most")
    return found


def recorded_kernels() -> dict[str, dict[str, int]]:
    """The most kernels of a training step: device to the program's key to their number."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def key(program: Program) -> str:
    """What a program is called where kernels are recorded."""
    return f"{program.name}, {program.precision}"


def _products(reader: Reader) -> Iterator[str]:
    """Products that are not done in float32."""
    for computation, instruction in reader.instructions:
        if not product(instruction):
            continue
        dtypes = {shape.dtype for shape in _operands(computation, instruction)}
        if narrow := sorted(d for d in dtypes if d.startswith(NARROW)):
            yield f"product {instruction.name} takes {', '.join(narrow)}"
        elif "f32" in dtypes and not FULL.search(instruction.attributes):
            yield (
                f"product {instruction.name} is not asked for in full precision: it may run in "
                "TF32 or bfloat16"
            )


def _operands(computation: Computation, instruction: Instruction) -> Iterator:
    for name in instruction.operands:
        if name in computation:
            yield from computation[name].shapes


def _doubles(reader: Reader) -> Iterator[str]:
    """Numbers in float64."""
    names = [
        instruction.name
        for _, instruction in reader.instructions
        if any(shape.dtype in ("f64", "c128") for shape in instruction.shapes)
    ]
    if names:
        yield f"float64 in {len(names)} places, the first {names[0]}"


def _hosts(reader: Reader) -> Iterator[str]:
    """Where the host is asked while the program runs."""
    for _, instruction in reader.instructions:
        called = instruction.opcode == "custom-call" and "callback" in instruction.attributes
        sent = "is_host_transfer=true" in instruction.attributes
        if called or sent or instruction.opcode in HOST:
            yield f"the host is called by {instruction.name}"
    if reader.unknown_loops:
        yield f"the host is asked whether to go on by {reader.unknown_loops} loops"


def _talks(program: Program, reader: Reader) -> Iterator[str]:
    """Where chips talk that should not."""
    for each in reader.collectives:
        if each.operation not in program.talks:
            allowed = f"only {', '.join(program.talks)} is" if program.talks else "nothing is"
            yield f"chips talk in an {each.operation} of {each.bytes} bytes; {allowed} expected"
