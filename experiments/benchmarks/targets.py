"""What was to be reached, and whether it was."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Target(NamedTuple):
    """A measure and its bound.

    Attributes:
        measure: In words.
        value: What was measured.
        unit: Of value and bound.
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
        many = found["penalties"]
        for name, floor in FLOORS.items():
            ratio = many["median_s"] / many["floor"][floor]
            measure = f"64 penalties, a run against {name}"
            yield Target(measure, ratio, "times as long", most=1.4)
    if "stopping" in found:
        runs, seconds = (found["stopping"][name] for name in ("runs", "seconds"))
        yield Target(f"{runs:,} shuffled runs that stop early", seconds, "s", most=15)
    if "processes" in found:
        everything, imported = (found["processes"][name] for name in ("experiments", "import"))
        yield Target("all experiments, data cached", everything["seconds"], "s", most=60)
        yield Target("their memory", everything["peak_gb"], "GB", most=1.5)
        yield Target("import, beyond that of jax", imported["beyond_jax"], "s", most=1)
    if "complete" in found:
        runs, seconds = (found["complete"][name] for name in ("runs", "seconds"))
        yield Target(f"{runs:,} complete runs", seconds, "s", most=60)


FLOORS = {"its own products": "own_products_s", "the machine": "machine_s"}


def _of_peers(peers: dict[str, Any]) -> Iterator[Target]:
    seconds = {name: times["median_s"] for name, times in peers["times"].items()}
    own = seconds["mnist_jax"]
    least = {
        "NumPy": 6,
        "plain JAX": 3,
        "PyTorch, DataLoader": 6,
        "PyTorch, indexing": 6,
    }
    for name, bound in least.items():
        measure = f"one run against {name}"
        yield Target(measure, seconds[name] / own, "times as fast", least=bound)
    for name, floor in FLOORS.items():
        ratio = own / peers["floor"][floor]
        yield Target(f"one run against {name}", ratio, "times as long", most=2.2)
