"""The text of a compiled program (HLO), parsed.

The text is no stable interface. What is not understood is an error, never a zero.
"""

import math
import re
from typing import NamedTuple

DTYPE = re.compile(r"(\w+)\[([\d,]*)\](?:\{([^{}]*)\})?")
HEADER = re.compile(r"^(ENTRY )?%?([\w.\-]+) \(.*\) -> .* \{$")
INSTRUCTION = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = ")
TRIP_COUNT = re.compile(r'"known_trip_count":\{"n":"(\d+)"')
SMALL = {"pred": 1, "token": 0, "opaque": 0}


class Shape(NamedTuple):
    """An array.

    Attributes:
        dtype: As HLO writes it: f32, s32, pred.
        dims: Lengths of its axes.
        local: Whether it is kept in a memory on the chip, beside the large one.
    """

    dtype: str
    dims: tuple[int, ...]
    local: bool

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.dims)

    @property
    def bytes(self) -> int:
        """What it takes without padding."""
        if self.dtype in SMALL:
            return self.size * SMALL[self.dtype]
        return self.size * max(1, int(re.sub(r"\D*", "", self.dtype.split("e")[0])) // 8)


class Instruction(NamedTuple):
    """A line of a computation."""

    name: str
    shapes: tuple[Shape, ...]
    opcode: str
    operands: tuple[str, ...]
    attributes: str
    root: bool

    def called(self, *keys: str) -> list[str]:
        """Names of the computations that it calls, by the attributes that name them."""
        found: list[str] = []
        for key in keys:
            match = re.search(rf"\b{key}=(\{{[^}}]*\}}|%?[\w.\-]+)", self.attributes)
            found += re.findall(r"%?([\w.\-]+)", match.group(1)) if match else []
        return found


Computation = dict[str, Instruction]


class Module(NamedTuple):
    """A program: its computations by name, and the name of the one that is run."""

    computations: dict[str, Computation]
    entry: str


def parse(text: str) -> Module:
    """Parses a compiled program.

    Args:
        text: What `Compiled.as_text` gives.

    Returns:
        The program.

    Raises:
        ValueError: If it has no entry, or a line can't be parsed.
    """
    computations: dict[str, Computation] = {}
    entry, current = "", None
    for line in text.splitlines():
        if header := HEADER.match(line):
            current = computations.setdefault(header.group(2), {})
            entry = header.group(2) if header.group(1) else entry
        elif line.startswith("}"):
            current = None
        elif current is not None and (found := INSTRUCTION.match(line)):
            instruction = _instruction(found, line)
            current[instruction.name] = instruction
    if not entry:
        raise ValueError(f"no ENTRY in a program of {len(text)} characters")
    return Module(computations, entry)


def _instruction(found: re.Match[str], line: str) -> Instruction:
    rest = line[found.end() :]
    end = _closing(rest) if rest.startswith("(") else rest.index(" ")
    shapes, rest = _shapes(rest[:end]), rest[end:].lstrip()
    opcode, _, rest = rest.partition("(")
    end = _closing(f"({rest}") - 1
    operands = re.findall(r"%([\w.\-]+)", rest[:end])
    if opcode in ("parameter", "constant"):
        operands, rest = [rest[: end - 1]], rest[end:]
    else:
        rest = rest[end:]
    return Instruction(
        found.group(2), shapes, opcode, tuple(operands), rest, found.group(1) is not None
    )


def _closing(text: str) -> int:
    """The place after the bracket that closes the first one."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place + 1
    raise ValueError(f"an open bracket in {text[:80]!r}")


def _shapes(text: str) -> tuple[Shape, ...]:
    return tuple(
        Shape(dtype, tuple(int(d) for d in dims.split(",") if d), "S(" in (layout or ""))
        for dtype, dims, layout in DTYPE.findall(text)
    )
