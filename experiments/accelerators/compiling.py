"""Compilation for devices that are not present."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments.accelerators.devices import Device
from mnist_jax.compat import get_topology_desc
from mnist_jax.errors import UsageError
from mnist_jax.precision import in_precision
from mnist_jax.training import Placement

Tree = TypeVar("Tree")

WHEELS = {
    "cuda": ("jax-cuda13-plugin", "jax-cuda13-pjrt", "nvidia-cuda-nvcc", "nvidia-nvvm"),
    "tpu": ("libtpu",),
}
"""Wheels of each compiler."""

ENVIRONMENT = {
    "JAX_SKIP_CUDA_CONSTRAINTS_CHECK": "1",  # without driver and cuDNN
    "TPU_SKIP_MDS_QUERY": "1",  # without the server that describes a TPU
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # nothing runs, so processes do not conflict
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


@dataclass(frozen=True)
class AbstractPlacement(Placement):
    """Placement of abstract arrays, which have a shape and a dtype but no values."""

    def _put(self, tree: Tree, spec: PartitionSpec) -> Tree:
        sharding = NamedSharding(Mesh(np.array(self.devices), ("devices",)), spec)
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree
        )

    def split(self, tree: Tree, axis: int = 0) -> Tree:
        """Splits arrays along an axis, one part for each device."""
        return self._put(tree, PartitionSpec(*(None,) * axis, "devices"))


class Compiled(NamedTuple):
    """Result of a compilation."""

    text: str  # text of the compiled program; empty after an error
    memory: dict[str, int]  # bytes of arguments, results and temporaries on each chip
    seconds: float  # duration of the compilation
    error: str = ""  # error of the compiler; empty after a success


def check_wheels(devices: list[Device]) -> None:
    """Raises a UsageError if a compiler is missing or does not match the version of jax."""
    missing = []
    for wheel in {name: None for device in devices for name in WHEELS[device.platform]}:
        try:
            installed = version(wheel)
        except PackageNotFoundError:
            missing.append(wheel)
            continue
        if wheel.startswith("jax-") and installed != jax.__version__:
            raise UsageError(
                f"{wheel} is {installed}, but jax is {jax.__version__}, and both must be the same: "
                "pip install -e '.[accelerators]'."
            )
    if missing:
        raise UsageError(
            f"{', '.join(missing)} not found: pip install -e '.[accelerators]' (some 500 MB), or "
            "leave out a device with --devices."
        )


def prepare() -> None:
    """Sets the environment variables of the compilers; JAX itself computes on the CPU."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    jax.config.update("jax_platforms", "cpu")


@cache
def chips(device: Device, count: int) -> tuple[Any, ...]:
    """Returns the given number of chips of a device, as JAX describes them."""
    options = {"target_config": device.target} if device.target else {}
    if device.platform == "cuda":
        options["topology"] = device.topology[count]
        name = device.name
    else:
        name = device.topology[count]
    try:
        with quietly():
            topology = get_topology_desc(platform=device.platform, topology_name=name, **options)
    except jax.errors.JaxRuntimeError as error:
        raise UsageError(
            f"the compiler for the {device.title} can't start: {error}. Reinstall it with pip "
            "install -e '.[accelerators]', or leave the device out with --devices."
        ) from error
    return tuple(topology.devices[:count])


def compile_for(device: Device, traced: Any, precision: str) -> Compiled:
    """Compiles a program, traced by `jax.jit(...).trace` with arguments on chips of the device."""
    start = time.perf_counter()
    try:
        with quietly(), in_precision(precision):
            compiled = traced.lower(lowering_platforms=(device.platform,)).compile()
    except (jax.errors.JaxRuntimeError, NotImplementedError, ValueError) as error:
        lines = str(error).strip().splitlines()
        return Compiled("", {}, time.perf_counter() - start, lines[0] if lines else repr(error))
    analysis = compiled.memory_analysis()
    memory = {
        "arguments": analysis.argument_size_in_bytes,
        "results": analysis.output_size_in_bytes,
        "temporaries": analysis.temp_size_in_bytes,
    }
    memory["total"] = sum(memory.values()) - analysis.alias_size_in_bytes
    return Compiled(compiled.as_text(), memory, time.perf_counter() - start)


@contextmanager
def quietly() -> Iterator[None]:
    """Discards the output of the compilers on stderr, which bypasses Python."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        stderr = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
