"""Checks of compiled programs: precision, host calls, collectives, number of kernels."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from experiments.accelerators.programs import Program
from experiments.accelerators.reading import HOST, Reader, is_product

RECORDED = Path(__file__).parent / "kernels.json"
FULL_PRECISION = re.compile(
    r"operand_precision=\{highest,highest\}|algorithm=dot_f32_f32_f32\b"
    r'|"operand_precision":\["HIGHEST","HIGHEST"\]'
)
LOW_PRECISION = ("bf16", "f16", "f8")


def violations(program: Program, reader: Reader, max_kernels: int | None) -> list[str]:
    """Checks a compiled program; returns a message for each failed check."""
    messages = [*_host_calls(reader), *_collectives(program, reader)]
    if program.precision == "float32":
        messages += [*_products(reader), *_doubles(reader)]
    kernels = len(reader.step_kernels)
    if max_kernels is not None and kernels > max_kernels:
        messages.append(f"a step has {kernels} kernels; the recorded limit is {max_kernels}")
    return messages


def recorded_kernels() -> dict[str, dict[str, int]]:
    """Returns the largest number of kernels in a training step, by device and program."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def key(row: Mapping[str, Any]) -> str:
    """Returns the name of a program among the recorded kernels, given its row."""
    return f"{row['program']}, {row['precision']}"


def _products(reader: Reader) -> Iterator[str]:
    """Yields a message for each product with less than float32 precision."""
    for computation, instruction in reader.instructions:
        if not is_product(instruction):
            continue
        operands = [computation[name] for name in instruction.operands if name in computation]
        dtypes = {shape.dtype for operand in operands for shape in operand.shapes}
        if low := sorted(dtype for dtype in dtypes if dtype.startswith(LOW_PRECISION)):
            yield f"product {instruction.name} takes {', '.join(low)}"
        elif "f32" in dtypes and not FULL_PRECISION.search(instruction.attributes):
            yield (
                f"product {instruction.name} does not request full precision: it may run in TF32 "
                "or bfloat16"
            )


def _doubles(reader: Reader) -> Iterator[str]:
    names = [
        instruction.name
        for _, instruction in reader.instructions
        if any(shape.dtype in ("f64", "c128") for shape in instruction.shapes)
    ]
    if names:
        yield f"{len(names)} instructions in float64, the first is {names[0]}"


def _host_calls(reader: Reader) -> Iterator[str]:
    for _, instruction in reader.instructions:
        callback = instruction.opcode == "custom-call" and "callback" in instruction.attributes
        transfer = "is_host_transfer=true" in instruction.attributes
        if callback or transfer or instruction.opcode in HOST:
            yield f"{instruction.name} calls the host"
    if reader.unknown_loops:
        yield f"{reader.unknown_loops} loops ask the host whether to continue"


def _collectives(program: Program, reader: Reader) -> Iterator[str]:
    for collective in reader.collectives:
        if collective.operation not in program.collectives:
            allowed = ", ".join(program.collectives) or "none"
            yield (
                f"collective {collective.operation} of {collective.bytes} bytes; allowed: {allowed}"
            )
