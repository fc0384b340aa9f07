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
    computation: str
    times: int


class Collective(NamedTuple):
    """A collective operation, which exchanges data between chips.

    Attributes:
        operation: Name of the operation: all-reduce, all-gather, ...
        bytes: Size of its result.
        times: Number of executions in one program run.
        in_step: Whether it is part of each training step.
    """

    operation: str
    bytes: int
    times: int
    in_step: bool


class Reader:
    """Analyses a parsed program.

    Args:
        module: Parsed program.
        default_trips: Assumed number of iterations of a loop of unknown length.
    """

    def __init__(self, module: Module, default_trips: int = 1) -> None:
        self._module, self._default = module, default_trips
        self.unknown_loops = 0
        self.executions = list(self._executions(module.entry, 1))
        self.step = self._step()

    def _executions(self, name: str, times: int) -> Iterator[Execution]:
        """Yields the instructions that run when a computation runs a number of times."""
        for instruction in self._module.computations[name].values():
            opcode = instruction.opcode
            if opcode == "while":
                [body] = instruction.called("body")
                yield from self._executions(body, times * self._trips(instruction))
            elif opcode == "conditional":
                keys = ("true_computation", "false_computation", "branch_computations")
                branches = [list(self._executions(b, times)) for b in instruction.called(*keys)]
                yield from max(branches, key=len)  # the branch that does the work
            elif opcode == "call":
                yield from self._executions(instruction.called("to_apply")[0], times)
            yield Execution(instruction, name, times)

    def _trips(self, loop: Instruction) -> int:
        if match := TRIP_COUNT.search(loop.attributes):
            return int(match.group(1))
        [condition] = loop.called("condition")
        trips = _trip_count(self._module.computations[condition])
        if trips is None:
            self.unknown_loops += 1
            return self._default
        return trips

    def _step(self) -> str:
        """Returns the computation of a step: the innermost loop with products, or the entry."""
        loops = [e.instruction for e in self.executions if e.instruction.opcode == "while"]
        for name in (loop.called("body")[0] for loop in loops):
            body = self._module.computations[name].values()
            innermost = not any(instruction.opcode == "while" for instruction in body)
            if innermost and any(map(self.contains_product, body)):
                return name
        return self._module.entry

    def inner(self, instruction: Instruction) -> Iterator[Instruction]:
        """Yields an instruction and, for a fusion, the fused instructions."""
        yield instruction
        for name in instruction.called("calls"):
            for fused in self._module.computations.get(name, {}).values():
                yield from self.inner(fused)

    def contains_product(self, instruction: Instruction) -> bool:
        """Returns whether an instruction is, or contains, a matrix product."""
        return any(map(is_product, self.inner(instruction)))

    @property
    def step_kernels(self) -> list[Instruction]:
        """Kernels of one step; without a loop, of the program."""
        step = [e.instruction for e in self.executions if e.computation == self.step]
        return [instruction for instruction in step if is_kernel(instruction)]

    @property
    def bytes(self) -> int:
        """Number of bytes that one program run reads and writes."""
        return sum(
            sum(self.traffic(execution)) * execution.times
            for execution in self.executions
            if is_transfer(execution.instruction)
        )

    def traffic(self, execution: Execution) -> list[int]:
        """Returns the bytes that an instruction reads of each operand and writes of each result."""
        computation = self._module.computations[execution.computation]
        instruction = execution.instruction
        calls = [self._module.computations.get(n, {}) for n in instruction.called("calls")]
        fused = calls[0] if len(calls) == 1 and instruction.opcode == "fusion" else None
        read = [
            _bytes_read(computation[name], index, fused)
            for index, name in enumerate(instruction.operands)
            if name in computation
        ]
        return [*read, *_bytes_written(instruction, fused)]

    def passes(self, size: int) -> int:
        """Counts how often the kernels of a step read or write a float array of a given size."""
        computation = self._module.computations[self.step]
        count = 0
        for kernel in self.step_kernels:
            operands = [computation[name] for name in kernel.operands if name in computation]
            shapes = [shape for array in (*operands, kernel) for shape in array.shapes]
            count += sum(shape.dtype.startswith("f") and shape.size == size for shape in shapes)
        return count

    @property
    def collectives(self) -> list[Collective]:
        """Collective operations of one program run."""
        return [
            Collective(
                e.instruction.opcode.removesuffix("-start"),
                sum(shape.bytes for shape in e.instruction.shapes),
                e.times,
                e.computation == self.step,
            )
            for e in self.executions
            if e.instruction.opcode.removesuffix("-start") in COLLECTIVES
        ]

    @property
    def instructions(self) -> Iterator[tuple[Computation, Instruction]]:
        """All instructions, including fused ones, with their computations."""
        for computation in self._module.computations.values():
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


def is_transfer(instruction: Instruction) -> bool:
    """Returns whether an instruction accesses memory: a kernel, or a copy without one."""
    return is_kernel(instruction) or instruction.opcode in ("copy-start", "slice-start")


def _main_memory(shape: Shape) -> int:
    """Returns the bytes of an array in main memory; 0 for an array in on-chip memory."""
    return 0 if shape.local else shape.bytes


def _trip_count(condition: Computation) -> int | None:
    """Returns the number of iterations of a loop from 0 to a constant; None if it is unknown."""
    constants = [i for i in condition.values() if i.opcode == "constant"]
    comparisons = [i for i in condition.values() if i.opcode in ("compare", "fusion")]
    if len(constants) == 1 and len(comparisons) == 1 and constants[0].operands[0].isdigit():
        return int(constants[0].operands[0])
    return None


def _bytes_read(operand: Instruction, index: int, fused: Computation | None) -> int:
    """Returns the bytes read of an operand; if the kernel only slices it, those of the slice."""
    total = sum(map(_main_memory, operand.shapes))
    if fused is None:
        return total
    [parameter] = [
        i for i in fused.values() if i.opcode == "parameter" and i.operands[0] == str(index)
    ]
    users = [i for i in fused.values() if parameter.name in i.operands]
    if total and users and all(user.opcode in SLICES for user in users):
        return min(total, sum(_size_in_bytes(user.shapes, operand.shapes[0]) for user in users))
    if users and all(_overwrites(user, parameter.name) for user in users):
        return 0
    return total


def _bytes_written(instruction: Instruction, fused: Computation | None) -> list[int]:
    """Returns the bytes written of each result; if it is updated in place, those of the update."""
    if instruction.opcode == "copy-start":
        return [_main_memory(instruction.shapes[0])]
    if fused is not None:
        [root] = [i for i in fused.values() if i.root]
        if root.opcode == "dynamic-update-slice" and not instruction.shapes[0].local:
            return [sum(map(_main_memory, fused[root.operands[1]].shapes))]
    return [_main_memory(shape) for shape in instruction.shapes]


def _overwrites(user: Instruction, name: str) -> bool:
    return user.opcode == "dynamic-update-slice" and user.operands[0] == name


def _size_in_bytes(shapes: tuple[Shape, ...], like: Shape) -> int:
    return sum(_main_memory(shape._replace(local=like.local)) for shape in shapes)
