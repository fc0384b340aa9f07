"""What was to be reached, and whether it was."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from experiments.benchmarks.peers import OURS


class Target(NamedTuple):
    """A measure and its bound.

    Attributes:
        measure: In words.
        value: What was measured.
        unit: Unit of value and bound.
        least: What it is to be at least; None if there is an upper bound.
        most: What it is to be at most; None if there is a lower bound.
    """

    measure: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether it is as it is to be."""
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    def numbers(self) -> dict[str, Any]:
        """As plain values."""
        return {**self._asdict(), "reached": self.reached}


def targets(found: dict[str, Any]) -> Iterator[Target]:
    """The targets of those parts that were measured.

    Args:
        found: What `benchmarks.json` holds.

    Yields:
        Each of them.
    """
    if "peers" in found:
        yield from _of_peers(found["peers"])
    if "penalties" in found:
        yield from _of_penalties(found["penalties"])
    if "stopping" in found:
        yield from _of_stopping(found["stopping"])
    if "processes" in found:
        everything, imported = (found["processes"][name] for name in ("experiments", "import"))
        yield Target("all experiments, data cached", everything["seconds"], "s", most=40)
        yield Target("their memory", everything["peak_gb"], "GB", most=1.5)
        yield Target("import, beyond that of jax", imported["beyond_jax"], "s", most=1)
    if "complete" in found:
        runs, seconds = (found["complete"][name] for name in ("runs", "seconds"))
        yield Target(f"{runs:,} complete runs", seconds, "s", most=60)


FLOORS = {"its own products": "own_products_s", "the machine": "machine_s"}


def _of_peers(peers: dict[str, Any]) -> Iterator[Target]:
    seconds = {name: times["median_s"] for name, times in peers["times"].items()}
    own = seconds[OURS]
    fastest = min(seconds.keys() - {OURS}, key=lambda name: seconds[name])
    measure = f"one run against the fastest peer ({fastest})"
    yield Target(measure, seconds[fastest] / own, "times as fast", least=2.5)
    for (name, floor), most in zip(FLOORS.items(), (1.25, 2.2), strict=True):
        measure = f"one run against {name}"
        yield Target(measure, own / peers["floor"][floor], "times as long", most=most)


def _of_penalties(many: dict[str, Any]) -> Iterator[Target]:
    if "vmapped_scan" in many:
        ratio = many["vmapped_scan"]["median_s"] / many["median_s"]
        yield Target("64 penalties against a vmapped scan", ratio, "times as fast", least=4)
    for (name, floor), most in zip(FLOORS.items(), (1.25, 1.4), strict=True):
        ratio = many["median_s"] / many["floor"][floor]
        yield Target(f"64 penalties against {name}", ratio, "times as long", most=most)


def _of_stopping(stopping: dict[str, Any]) -> Iterator[Target]:
    measure, seconds = f"{stopping['runs']:,} shuffled runs that stop early", stopping["seconds"]
    if "vmapped_scan_s" in stopping:
        ratio = stopping["vmapped_scan_s"] / seconds
        yield Target(f"{measure}, against a vmapped scan", ratio, "times as fast", least=8)
    yield Target(measure, seconds, "s", most=15)
