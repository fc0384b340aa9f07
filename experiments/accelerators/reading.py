"""What a compiled program does: its kernels, bytes, products, loops, and its talk."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from experiments.accelerators.hlo import TRIP_COUNT, Computation, Instruction, Module, Shape

# what runs no kernel of its own
FREE = {
    *("parameter", "constant", "get-tuple-element", "tuple", "bitcast", "after-all"),
    *("add-dependency", "domain", "opt-barrier", "partition-id", "replica-id"),
    *("while", "conditional", "call", "copy-start", "slice-start"),
}
FREE_CALLS = ("AllocateBuffer", "AssumeGatherIndicesInBound", "Sharding")
COLLECTIVES = (
    *("all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all"),
    *("collective-broadcast", "ragged-all-to-all", "send", "recv"),
)
PRODUCTS = ("dot", "convolution")
PRODUCT_CALLS = ("cublas", "gemm", "matmul", "cudnn")
SLICES = ("dynamic-slice", "gather", "slice")
HOST = ("infeed", "outfeed")


class Run(NamedTuple):
    """An instruction that runs, and how often in one run of the program."""

    instruction: Instruction
    computation: str
    times: int


class Collective(NamedTuple):
    """A talk between chips.

    Attributes:
        operation: What it is: all-reduce, all-gather, ...
        bytes: Size of its result.
        times: How often in one run of the program.
        in_step: Whether it is a part of each training step.
    """

    operation: str
    bytes: int
    times: int
    in_step: bool


class Reader:
    """Reads a program.

    Args:
        module: The program, parsed.
        default_trips: How often a loop runs whose text does not tell.
    """

    def __init__(self, module: Module, default_trips: int = 1) -> None:
        self._module, self._default = module, default_trips
        self.unknown_loops = 0
        self.runs = list(self._runs(module.entry, 1))
        self.step = self._step()

    def _runs(self, name: str, times: int) -> Iterator[Run]:
        """All that runs when a computation is run so often."""
        for instruction in self._module.computations[name].values():
            opcode = instruction.opcode
            if opcode == "while":
                [body] = instruction.called("body")
                yield from self._runs(body, times * self._trips(instruction))
            elif opcode == "conditional":
                keys = ("true_computation", "false_computation", "branch_computations")
                branches = [list(self._runs(b, times)) for b in instruction.called(*keys)]
                yield from max(branches, key=len)  # the one that does something
            elif opcode == "call":
                yield from self._runs(instruction.called("to_apply")[0], times)
            yield Run(instruction, name, times)

    def _trips(self, loop: Instruction) -> int:
        if found := TRIP_COUNT.search(loop.attributes):
            return int(found.group(1))
        [condition] = loop.called("condition")
        bound = _bound(self._module.computations[condition])
        if bound is None:
            self.unknown_loops += 1
            return self._default
        return bound

    def _step(self) -> str:
        """The computation of a training step: the innermost loop with products, or all there is."""
        bodies = [run for run in self.runs if run.instruction.opcode == "while"]
        names = [run.instruction.called("body")[0] for run in bodies]
        inner = [
            name
            for name in names
            if not any(i.opcode == "while" for i in self._module.computations[name].values())
            and any(self.is_product(i) for i in self._module.computations[name].values())
        ]
        return inner[0] if inner else self._module.entry

    def inner(self, instruction: Instruction) -> Iterator[Instruction]:
        """What is computed inside an instruction: of a fusion, all that is fused."""
        yield instruction
        for name in instruction.called("calls"):
            for each in self._module.computations.get(name, {}).values():
                yield from self.inner(each)

    def is_product(self, instruction: Instruction) -> bool:
        """Whether it is a product of matrices, or holds one."""
        return any(product(each) for each in self.inner(instruction))

    @property
    def kernels(self) -> list[Run]:
        """What runs on the device, each a kernel."""
        return [run for run in self.runs if kernel(run.instruction)]

    @property
    def step_kernels(self) -> list[Instruction]:
        """The kernels of one step; of a program without a loop, all."""
        return [run.instruction for run in self.kernels if run.computation == self.step]

    @property
    def bytes(self) -> int:
        """Bytes that the kernels of one run of the program read and write."""
        return sum(sum(self.traffic(run)) * run.times for run in self.runs if moves(run))

    def traffic(self, run: Run) -> list[int]:
        """Bytes that an instruction reads of each operand, and writes of each result."""
        computation = self._module.computations[run.computation]
        instruction = run.instruction
        fused = [self._module.computations.get(n, {}) for n in instruction.called("calls")]
        inside = fused[0] if len(fused) == 1 and instruction.opcode == "fusion" else None
        read = [
            _bytes_read(computation[name], place, inside)
            for place, name in enumerate(instruction.operands)
            if name in computation
        ]
        return [*read, *_bytes_written(instruction, inside)]

    def passes(self, size: int) -> int:
        """How often kernels of a step read or write an array of so many floating numbers."""
        computation = self._module.computations[self.step]
        count = 0
        for each in self.step_kernels:
            operands = [computation[name] for name in each.operands if name in computation]
            shapes = [shape for one in (*operands, each) for shape in one.shapes]
            count += sum(shape.dtype.startswith("f") and shape.size == size for shape in shapes)
        return count

    @property
    def collectives(self) -> list[Collective]:
        """Where chips talk."""
        return [
            Collective(
                re.sub("-start$", "", run.instruction.opcode),
                sum(shape.bytes for shape in run.instruction.shapes),
                run.times,
                run.computation == self.step,
            )
            for run in self.runs
            if collective(run.instruction)
        ]

    @property
    def instructions(self) -> Iterator[tuple[Computation, Instruction]]:
        """Every instruction, fused ones too, with the computation that it stands in."""
        for computation in self._module.computations.values():
            for instruction in computation.values():
                yield computation, instruction


def product(instruction: Instruction) -> bool:
    """Whether an instruction is itself a product of matrices."""
    if instruction.opcode in PRODUCTS:
        return True
    target = instruction.attributes.split("custom_call_target=", 1)[-1][:80]
    return instruction.opcode == "custom-call" and any(word in target for word in PRODUCT_CALLS)


def kernel(instruction: Instruction) -> bool:
    """Whether an instruction runs a kernel."""
    if instruction.opcode == "custom-call":
        return not any(target in instruction.attributes for target in FREE_CALLS)
    return instruction.opcode not in FREE and not instruction.opcode.endswith("-done")


def moves(run: Run) -> bool:
    """Whether an instruction reads and writes memory: a kernel, or a copy without one."""
    return kernel(run.instruction) or run.instruction.opcode in ("copy-start", "slice-start")


def collective(instruction: Instruction) -> bool:
    """Whether chips talk in an instruction."""
    return instruction.opcode.removesuffix("-start") in COLLECTIVES


def outside(shape: Shape) -> int:
    """Bytes of an array in the large memory: none of one that is kept on the chip."""
    return 0 if shape.local else shape.bytes


def _bound(condition: Computation) -> int | None:
    """How often a loop runs that counts from 0 up to a constant; None if it doesn't."""
    constants = [i for i in condition.values() if i.opcode == "constant"]
    compared = [i for i in condition.values() if i.opcode in ("compare", "fusion")]
    if len(constants) == 1 and len(compared) == 1 and constants[0].operands[0].isdigit():
        return int(constants[0].operands[0])
    return None


def _bytes_read(operand: Instruction, place: int, inside: Computation | None) -> int:
    """Return the bytes read of an operand; if the kernel only slices it, those of the slice."""
    whole = sum(map(outside, operand.shapes))
    if inside is None:
        return whole
    [parameter] = [
        i for i in inside.values() if i.opcode == "parameter" and i.operands[0] == str(place)
    ]
    users = [i for i in inside.values() if parameter.name in i.operands]
    if whole and users and all(user.opcode in SLICES for user in users):
        return min(whole, sum(_size_in_bytes(user.shapes, operand.shapes[0]) for user in users))
    if users and all(_overwrites(user, parameter.name) for user in users):
        return 0
    return whole


def _bytes_written(instruction: Instruction, inside: Computation | None) -> list[int]:
    """Return the bytes written of each result; if it is updated in place, those of the update."""
    if instruction.opcode == "copy-start":
        return [outside(instruction.shapes[0])]
    if inside is not None:
        [root] = [each for each in inside.values() if each.root]
        if root.opcode == "dynamic-update-slice" and not instruction.shapes[0].local:
            return [sum(map(outside, inside[root.operands[1]].shapes))]
    return [outside(shape) for shape in instruction.shapes]


def _overwrites(user: Instruction, name: str) -> bool:
    return user.opcode == "dynamic-update-slice" and user.operands[0] == name


def _size_in_bytes(shapes: tuple[Shape, ...], like: Shape) -> int:
    return sum(outside(shape._replace(local=like.local)) for shape in shapes)
