"""Analysis of a compiled program: its kernels, traffic, products, loops and collectives."""

from collections.abc import Iterator
from typing import NamedTuple

from experiments.accelerators.hlo import TRIP_COUNT, Computation, Instruction, Module, Shape

# instructions without a kernel
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


class Execution(NamedTuple):
    """An instruction, its computation, and its number of executions in one program run."""

    instruction: Instruction
    computation: Computation
    times: int


class Collective(NamedTuple):
    """A collective operation, which exchanges data between chips."""

    operation: str  # name of the operation: all-reduce, all-gather and others
    bytes: int  # size of its result
    times: int  # number of executions in one program run
    in_step: bool  # whether it is part of each training step


class Reader:
    """Analyses a parsed program."""

    def __init__(self, module: Module) -> None:
        self._computations = module.computations
        self.unknown_loops = 0
        self.executions = [*self._executions(self._computations[module.entry], 1)]
        self.step = self._step(self._computations[module.entry])

    def _executions(self, computation: Computation, times: int) -> Iterator[Execution]:
        """Yields the instructions that run when a computation runs a number of times."""
        for instruction in computation.values():
            opcode = instruction.opcode
            if opcode == "while":
                [body] = self._called(instruction, "body")
                yield from self._executions(body, times * self._trips(instruction))
            elif opcode == "conditional":
                keys = ("true_computation", "false_computation", "branch_computations")
                called = self._called(instruction, *keys)
                # the branch that does the work
                yield from max(([*self._executions(b, times)] for b in called), key=len)
            elif opcode == "call":
                yield from self._executions(self._called(instruction, "to_apply")[0], times)
            yield Execution(instruction, computation, times)

    def _called(self, instruction: Instruction, *keys: str) -> list[Computation]:
        """Returns the computations that attributes of an instruction name."""
        return [self._computations.get(name, {}) for name in instruction.called(*keys)]

    def _trips(self, loop: Instruction) -> int:
        """Returns the number of iterations of a loop; 1, and counts the loop, if it is unknown."""
        if match := TRIP_COUNT.search(loop.attributes):
            return int(match.group(1))
        [condition] = self._called(loop, "condition")
        constants = [i for i in condition.values() if i.opcode == "constant"]
        comparisons = [i for i in condition.values() if i.opcode in ("compare", "fusion")]
        if len(constants) == len(comparisons) == 1 and constants[0].operands[0].isdigit():
            return int(constants[0].operands[0])  # from 0 to a constant
        self.unknown_loops += 1
        return 1

    def _step(self, entry: Computation) -> Computation:
        """Returns the computation of a step: the innermost loop with products, or the entry."""
        loops = [e.instruction for e in self.executions if e.instruction.opcode == "while"]
        for [body] in (self._called(loop, "body") for loop in loops):
            innermost = not any(instruction.opcode == "while" for instruction in body.values())
            inner = (i for instruction in body.values() for i in self._inner(instruction))
            if innermost and any(map(is_product, inner)):
                return body
        return entry

    def _inner(self, instruction: Instruction) -> Iterator[Instruction]:
        """Yields an instruction and, for a fusion, the fused instructions."""
        yield instruction
        for fused in self._called(instruction, "calls"):
            for each in fused.values():
                yield from self._inner(each)

    @property
    def step_kernels(self) -> list[Instruction]:
        """Kernels of one step; without a loop, of the program."""
        step = [e.instruction for e in self.executions if e.computation is self.step]
        return [instruction for instruction in step if is_kernel(instruction)]

    @property
    def bytes(self) -> int:
        """Number of bytes that one program run reads and writes."""
        return sum(e.times * self._traffic(e.instruction, e.computation) for e in self.executions)

    def _traffic(self, instruction: Instruction, computation: Computation) -> int:
        """Returns the bytes that an instruction reads and writes."""
        if not is_kernel(instruction) and instruction.opcode not in ("copy-start", "slice-start"):
            return 0
        calls = self._called(instruction, "calls")
        fused = calls[0] if len(calls) == 1 and instruction.opcode == "fusion" else None
        operands = enumerate(instruction.operands)
        arrays = ((index, computation[name]) for index, name in operands if name in computation)
        read = sum(_bytes_read(array, index, fused) for index, array in arrays)
        return read + _bytes_written(instruction, fused)

    def passes(self, size: int) -> int:
        """Counts how often the kernels of a step read or write a float array of a given size."""
        arrays = [
            array
            for kernel in self.step_kernels
            for array in (kernel, *(self.step[n] for n in kernel.operands if n in self.step))
        ]
        shapes = [shape for array in arrays for shape in array.shapes]
        return sum(shape.dtype.startswith("f") and shape.size == size for shape in shapes)

    @property
    def collectives(self) -> list[Collective]:
        """Collective operations of one program run."""
        named = [(e.instruction.opcode.removesuffix("-start"), e) for e in self.executions]
        return [
            Collective(name, _size(e.instruction.shapes), e.times, e.computation is self.step)
            for name, e in named
            if name in COLLECTIVES
        ]

    @property
    def instructions(self) -> Iterator[tuple[Computation, Instruction]]:
        """All instructions, including fused ones, with their computations."""
        for computation in self._computations.values():
            for instruction in computation.values():
                yield computation, instruction


def is_product(instruction: Instruction) -> bool:
    """Returns whether an instruction is itself a matrix product."""
    if instruction.opcode in PRODUCTS:
        return True
    target = instruction.attributes.split("custom_call_target=", 1)[-1][:80]
    return instruction.opcode == "custom-call" and any(word in target for word in PRODUCT_CALLS)


def is_kernel(instruction: Instruction) -> bool:
    """Returns whether an instruction runs a kernel."""
    if instruction.opcode == "custom-call":
        return not any(target in instruction.attributes for target in FREE_CALLS)
    return instruction.opcode not in FREE and not instruction.opcode.endswith("-done")


def _size(shapes: tuple[Shape, ...]) -> int:
    return sum(shape.bytes for shape in shapes)


def _in_main_memory(shapes: tuple[Shape, ...]) -> int:
    return sum(shape.bytes for shape in shapes if not shape.local)


def _bytes_read(operand: Instruction, index: int, fused: Computation | None) -> int:
    """Returns the bytes read of an operand; if the kernel only slices it, those of the slice."""
    total = _in_main_memory(operand.shapes)
    if fused is None:
        return total
    parameters = [i for i in fused.values() if i.opcode == "parameter"]
    [name] = [i.name for i in parameters if i.operands[0] == str(index)]
    users = [i for i in fused.values() if name in i.operands]
    if total and users and all(user.opcode in SLICES for user in users):
        local = operand.shapes[0].local
        return min(total, 0 if local else sum(_size(user.shapes) for user in users))
    if users and all(u.opcode == "dynamic-update-slice" and u.operands[0] == name for u in users):
        return 0
    return total


def _bytes_written(instruction: Instruction, fused: Computation | None) -> int:
    """Returns the bytes written; if a result is updated in place, those of the update."""
    if instruction.opcode == "copy-start":
        return _in_main_memory(instruction.shapes[:1])
    if fused is not None:
        [root] = [i for i in fused.values() if i.root]
        if root.opcode == "dynamic-update-slice" and not instruction.shapes[0].local:
            return _in_main_memory(fused[root.operands[1]].shapes)
    return _in_main_memory(instruction.shapes)
