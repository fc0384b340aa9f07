"""Parser for the text of a compiled program (HLO).

The text is not a stable interface, so unknown syntax raises an error.
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
    """Shape of an array."""

    dtype: str  # dtype in HLO's notation: f32, s32, pred
    dims: tuple[int, ...]  # lengths of the axes
    local: bool  # whether the array is in on-chip memory, not in main memory

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.dims)

    @property
    def bytes(self) -> int:
        """Number of bytes without padding."""
        if self.dtype in SMALL:
            return self.size * SMALL[self.dtype]
        return self.size * max(1, int(re.sub(r"\D*", "", self.dtype.split("e")[0])) // 8)


class Instruction(NamedTuple):
    """An instruction of a computation."""

    name: str
    shapes: tuple[Shape, ...]
    opcode: str
    operands: tuple[str, ...]
    attributes: str
    root: bool

    def called(self, *keys: str) -> list[str]:
        """Returns the names of the computations that these attributes name."""
        names: list[str] = []
        for key in keys:
            match = re.search(rf"\b{key}=(\{{[^}}]*\}}|%?[\w.\-]+)", self.attributes)
            names += re.findall(r"%?([\w.\-]+)", match.group(1)) if match else []
        return names


Computation = dict[str, Instruction]


class Module(NamedTuple):
    """A program: its computations by name, and the name of the entry computation."""

    computations: dict[str, Computation]
    entry: str


def parse(text: str) -> Module:
    """Parses the text of a compiled program, as returned by `Compiled.as_text`.

    Raises:
        ValueError: If the text has no entry, or a line cannot be parsed.
    """
    computations: dict[str, Computation] = {}
    entry, current = "", None
    for line in text.splitlines():
        if header := HEADER.match(line):
            current = computations.setdefault(header.group(2), {})
            entry = header.group(2) if header.group(1) else entry
        elif line.startswith("}"):
            current = None
        elif current is not None and (match := INSTRUCTION.match(line)):
            instruction = _instruction(match, line)
            current[instruction.name] = instruction
    if not entry:
        raise ValueError(f"no ENTRY in a program of {len(text)} characters")
    return Module(computations, entry)


def _instruction(match: re.Match[str], line: str) -> Instruction:
    rest = line[match.end() :]
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
        match.group(2), shapes, opcode, tuple(operands), rest, match.group(1) is not None
    )


def _closing(text: str) -> int:
    """Returns the index after the parenthesis that closes the first one."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return index + 1
    raise ValueError(f"unclosed parenthesis in {text[:80]!r}")


def _shapes(text: str) -> tuple[Shape, ...]:
    return tuple(
        Shape(dtype, tuple(int(d) for d in dims.split(",") if d), "S(" in (layout or ""))
        for dtype, dims, layout in DTYPE.findall(text)
    )
