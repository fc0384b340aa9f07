"""Performance targets, and whether they are reached."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from experiments.benchmarks.peers import OURS


class Target(NamedTuple):
    """A measurement and its bound."""

    measure: str  # description of the measurement
    value: float  # measured value
    unit: str  # unit of value and bound
    least: float | None = None  # lower bound; None if there is an upper bound
    most: float | None = None  # upper bound; None if there is a lower bound

    @property
    def reached(self) -> bool:
        """Whether the value is within its bound."""
        return (self.least is None or self.value >= self.least) and (
            self.most is None or self.value <= self.most
        )


def targets(results: Mapping[str, Any]) -> Iterator[Target]:
    """Yields the targets of the measured parts, given the contents of benchmarks.json."""
    if peers := results.get("peers"):
        seconds = {name: times["median_s"] for name, times in peers["times"].items()}
        own = seconds.pop(OURS)
        fastest = min(seconds, key=seconds.__getitem__)
        measure = f"one run against the fastest peer ({fastest})"
        yield Target(measure, seconds[fastest] / own, "times as fast", least=2.5)
        yield from _floors("one run", own, peers["floor"], 1.25, 2.2)
    if penalties := results.get("penalties"):
        own = penalties["median_s"]
        ratio = penalties["vmapped_scan"]["median_s"] / own
        yield Target("64 penalties against a vmapped scan", ratio, "times as fast", least=4)
        yield from _floors("64 penalties", own, penalties["floor"], 1.25, 1.4)
    if stopping := results.get("stopping"):
        measure, own = f"{stopping['runs']:,} shuffled runs that stop early", stopping["seconds"]
        ratio = stopping["vmapped_scan_s"] / own
        yield Target(f"{measure}, against a vmapped scan", ratio, "times as fast", least=8)
        yield Target(measure, own, "s", most=15)
    if processes := results.get("processes"):
        everything, beyond_jax = processes["experiments"], processes["import"]["beyond_jax"]
        yield Target("all experiments, data cached", everything["seconds"], "s", most=40)
        yield Target("their memory", everything["peak_gb"], "GB", most=1.5)
        yield Target("import, beyond that of jax", beyond_jax, "s", most=1)
    if complete := results.get("complete"):
        yield Target(f"{complete['runs']:,} complete runs", complete["seconds"], "s", most=60)


def _floors(
    measure: str, seconds: float, floor: Mapping[str, float], products: float, machine: float
) -> Iterator[Target]:
    for name, key, most in (
        ("its own products", "own_products_s", products),
        ("the machine", "machine_s", machine),
    ):
        yield Target(f"{measure} against {name}", seconds / floor[key], "times as long", most=most)
