"""Performance targets, and whether they are reached."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from experiments.benchmarks.peers import OURS

FLOORS = {"its own products": "own_products_s", "the machine": "machine_s"}


class Target(NamedTuple):
    """A measurement and its bound.

    Attributes:
        measure: Description of the measurement.
        value: Measured value.
        unit: Unit of value and bound.
        least: Lower bound; None if there is an upper bound.
        most: Upper bound; None if there is a lower bound.
    """

    measure: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the value is within its bound."""
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    def numbers(self) -> dict[str, Any]:
        """Returns the target as plain values."""
        return {**self._asdict(), "reached": self.reached}


def targets(results: dict[str, Any]) -> Iterator[Target]:
    """Yields the targets of the measured parts, given the contents of benchmarks.json."""
    if "peers" in results:
        yield from _peer_targets(results["peers"])
    if "penalties" in results:
        yield from _penalty_targets(results["penalties"])
    if "stopping" in results:
        yield from _stopping_targets(results["stopping"])
    if "processes" in results:
        everything, imports = (results["processes"][name] for name in ("experiments", "import"))
        yield Target("all experiments, data cached", everything["seconds"], "s", most=40)
        yield Target("their memory", everything["peak_gb"], "GB", most=1.5)
        yield Target("import, beyond that of jax", imports["beyond_jax"], "s", most=1)
    if "complete" in results:
        runs, seconds = (results["complete"][name] for name in ("runs", "seconds"))
        yield Target(f"{runs:,} complete runs", seconds, "s", most=60)


def _peer_targets(peers: dict[str, Any]) -> Iterator[Target]:
    seconds = {name: times["median_s"] for name, times in peers["times"].items()}
    own = seconds[OURS]
    fastest = min(seconds.keys() - {OURS}, key=lambda name: seconds[name])
    measure = f"one run against the fastest peer ({fastest})"
    yield Target(measure, seconds[fastest] / own, "times as fast", least=2.5)
    for (name, floor), most in zip(FLOORS.items(), (1.25, 2.2), strict=True):
        measure = f"one run against {name}"
        yield Target(measure, own / peers["floor"][floor], "times as long", most=most)


def _penalty_targets(penalties: dict[str, Any]) -> Iterator[Target]:
    if "vmapped_scan" in penalties:
        ratio = penalties["vmapped_scan"]["median_s"] / penalties["median_s"]
        yield Target("64 penalties against a vmapped scan", ratio, "times as fast", least=4)
    for (name, floor), most in zip(FLOORS.items(), (1.25, 1.4), strict=True):
        ratio = penalties["median_s"] / penalties["floor"][floor]
        yield Target(f"64 penalties against {name}", ratio, "times as long", most=most)


def _stopping_targets(stopping: dict[str, Any]) -> Iterator[Target]:
    measure, seconds = f"{stopping['runs']:,} shuffled runs that stop early", stopping["seconds"]
    if "vmapped_scan_s" in stopping:
        ratio = stopping["vmapped_scan_s"] / seconds
        yield Target(f"{measure}, against a vmapped scan", ratio, "times as fast", least=8)
    yield Target(measure, seconds, "s", most=15)
