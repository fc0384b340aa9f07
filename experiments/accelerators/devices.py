"""The accelerators that programs are compiled for, and what their makers publish of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mnist_jax.errors import UsageError

DeviceName = Literal["h100", "v5e"]


@dataclass(frozen=True, eq=False)
class Device:
    """An accelerator.

    Attributes:
        name: What it is called in flags.
        title: What it is called in tables.
        platform: The name of its compiler in JAX.
        topology: Names of the arrangement of chips, by the number of chips that are asked for.
        target: Description that the compiler takes; empty if it knows the device.
        memory: Memory, bytes.
        share: Share of the memory that JAX takes for arrays.
        bandwidth: Bandwidth of the memory, in bytes a second.
        link: Bytes a second that a chip exchanges with the others.
        operations: Operations a second in products of full precision, by dtype; where a dtype is
            missing, its products are emulated and no rate is published.
    """

    name: str
    title: str
    platform: str
    topology: Mapping[int, str]
    target: str
    memory: int
    share: float
    bandwidth: float
    link: float
    operations: Mapping[str, float]


H100 = Device(
    name="h100",
    title="H100 SXM",
    platform="cuda",
    topology={1: "1x1x1", 4: "1x1x4"},
    target=(Path(__file__).parent / "h100.txtpb").read_text(encoding="utf-8"),
    memory=84_978_434_048,
    share=0.75,  # XLA_PYTHON_CLIENT_MEM_FRACTION's default
    # NVIDIA's data sheet. The rates are those of the cores in full precision: TF32 is not used.
    bandwidth=3.35e12,
    link=900e9,
    operations={"float32": 67e12, "float64": 67e12},
)
V5E = Device(
    name="v5e",
    title="TPU v5e",
    platform="tpu",
    topology={1: "v5e:2x2", 4: "v5e:2x2"},
    target="",
    memory=16 * 2**30,
    share=1.0,
    # Google's documentation. A float32 product in full precision is six products in bfloat16.
    bandwidth=819e9,
    link=200e9,
    operations={"float32": 197e12 / 6},
)
DEVICES: dict[str, Device] = {device.name: device for device in (H100, V5E)}


def device(name: str) -> Device:
    """The device of a name.

    Raises:
        UsageError: If there is none.
    """
    if name not in DEVICES:
        raise UsageError(f"device is {name!r}; choose one of {', '.join(DEVICES)}.")
    return DEVICES[name]
