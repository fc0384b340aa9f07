"""Which of its task's numbers a claim is judged by: found by watching what it reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.common.claims import Claim


class Watched(dict[str, Any]):
    """Nested mappings that note the paths of the values read from them."""

    def __init__(self, values: Mapping[str, Any], read: dict[str, Any], prefix: str = "") -> None:
        super().__init__(values)
        self._read, self._prefix = read, prefix

    def __getitem__(self, key: str) -> Any:
        """Return an entry, and note it if it is a number."""
        value, name = super().__getitem__(key), f"{self._prefix}{key}"
        if isinstance(value, Mapping):
            return Watched(value, self._read, f"{name}/")
        self._read[name] = value
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """Return an entry as `[]` does, if it is there."""
        return self[key] if super().__contains__(key) else default

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        """Return all entries."""
        return (self[key] for key in self)

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Return all names and entries."""
        return ((key, self[key]) for key in self)


def read_by(claim: Claim, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Find the numbers that a claim is judged by.

    Args:
        claim: The claim.
        metrics: Metrics of its task.

    Returns:
        Path of each number in metrics.json to its value, in the order of reading.
    """
    read: dict[str, Any] = {}
    claim.measured(Watched(metrics, read))
    return read


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Write nested mappings as one, with paths as names.

    Example:
        >>> flat({"a": {"b": 1, "c": [2, 3]}})
        {'a/b': 1, 'a/c': [2, 3]}
    """
    found: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}/") if isinstance(value, Mapping) else {name: value}
    return found
