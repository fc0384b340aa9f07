"""The accelerators to compile for, with their published specifications."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DeviceName = Literal["h100", "v5e"]


@dataclass(frozen=True, eq=False)
class Device:
    """An accelerator."""

    name: str  # name in flags
    title: str  # name in tables
    platform: str  # name of its compiler in JAX
    topology: Mapping[int, str]  # names of the chip topologies, by number of chips
    target: str  # description for the compiler; empty if the compiler knows the device
    memory: int  # size of the memory in bytes
    share: float  # share of the memory that JAX reserves for arrays
    bandwidth: float  # memory bandwidth in bytes per second
    link: float  # bandwidth between chips in bytes per second
    # operations per second in products of full precision; a missing dtype is emulated and has no
    # published rate
    operations: Mapping[str, float]


H100 = Device(
    name="h100",
    title="H100 SXM",
    platform="cuda",
    topology={1: "1x1x1", 4: "1x1x4"},
    target=(Path(__file__).parent / "h100.txtpb").read_text(encoding="utf-8"),
    memory=84_978_434_048,
    share=0.75,  # XLA_PYTHON_CLIENT_MEM_FRACTION's default
    # NVIDIA's data sheet; the rates are for full precision, without TF32
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
    # Google's documentation; a float32 product in full precision is six bfloat16 products
    bandwidth=819e9,
    link=200e9,
    operations={"float32": 197e12 / 6},
)
DEVICES: dict[str, Device] = {device.name: device for device in (H100, V5E)}
