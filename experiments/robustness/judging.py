"""What is said of a claim over all settings: share, interval, thresholds, smallest change."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.common.claims import Condition, Verdict
from experiments.robustness.specification import Multiverse

INTERVAL = "binomial (Clopper-Pearson)"
THRESHOLDS = 41


def entry(found: Multiverse, level: float) -> dict[str, Any]:
    """The entry of a claim in robustness.json.

    Args:
        found: The claim in all settings.
        level: Level of the interval.

    Returns:
        The entry.
    """
    about, own = found.claim.statement, found.own_place
    return {
        "claim": about.id,
        "task": about.task,
        "says": about.says,
        "settings": {factor: found.levels(factor) for factor in found.own},
        "own_setting": found.own,
        "verdict": found.verdicts[own],
        "holds": bool(found.holds[own]),
        "judged": len(found.specifications),
        "verdicts": {str(name): count for name, count in Counter(found.verdicts).items()},
        "share": float(found.holds.mean()),
        "same_verdict": float(np.mean([each == found.verdicts[own] for each in found.verdicts])),
        "interval": interval(found, level),
        "smallest_flip": smallest(flips(found)),
        "flips": flips(found),
        "conditions": [
            condition_entry(found, condition)
            for condition in found.own_conditions
            if condition.limit
        ],
        "measured": found.measured,
    }


def interval(found: Multiverse, level: float) -> dict[str, Any]:
    """The interval of the share; settings that are not independent count as one observation."""
    units = {tuple(each.setting[name] for name in found.units) for each in found.specifications}
    share = float(found.holds.mean())
    return {
        "limits": clopper_pearson(share, len(units), level),
        "level": level,
        "method": INTERVAL,
        "units": len(units),
        "unit": list(found.units),
    }


def clopper_pearson(share: float, count: int, level: float) -> tuple[float, float]:
    """The exact binomial interval of a share of so many independent units.

    Args:
        share: The share.
        count: Number of units; the share of them need not be a whole number.
        level: Probability that the interval holds the true share, at least.

    Example:
        >>> [round(limit, 3) for limit in clopper_pearson(0.5, 10, 0.95)]
        [0.187, 0.813]
        >>> [round(limit, 3) for limit in clopper_pearson(1.0, 45, 0.95)]
        [0.921, 1.0]
    """
    hits, tail = share * count, (1 - level) / 2
    from scipy.stats import beta

    low = beta.ppf(tail, hits, count - hits + 1) if hits > 0 else 0.0
    high = beta.ppf(1 - tail, hits + 1, count - hits) if hits < count else 1.0
    return float(low), float(high)


def condition_entry(found: Multiverse, condition: Condition) -> dict[str, Any]:
    """A condition: its threshold with the reason, and its share at that and at other ones."""
    assert condition.limit is not None
    values, limit = found.values[condition.statement], condition.limit
    grid = thresholds(values, limit.number)
    return {
        "statement": condition.statement,
        "value": condition.value,
        "relation": limit.relation,
        "threshold": limit.number,
        "reason": limit.reason,
        "share": float(np.mean(limit.met(values))),
        "thresholds": grid,
        "shares": [float(np.mean(limit.met(values, number))) for number in grid],
    }


def thresholds(values: np.ndarray, own: float) -> list[float]:
    """Thresholds from the least to the largest of most values, the claim's own among them."""
    low, high = np.quantile(values[np.isfinite(values)], (0.02, 0.98))
    grid = np.linspace(min(low, own), max(high, own), THRESHOLDS)
    return sorted({*grid.tolist(), float(own)})


Flip = dict[str, Any]


def flips(found: Multiverse) -> dict[str, Flip | None]:
    """For each factor, the smallest change of it alone that turns the verdict; None without one."""
    tried: dict[str, list[tuple[Any, Verdict]]] = {factor: [] for factor in found.own}
    for each, verdict in zip(found.specifications, found.verdicts, strict=True):
        changed = [name for name, level in found.own.items() if each.setting[name] != level]
        if len(changed) == 1:
            tried[changed[0]].append((each.setting[changed[0]], verdict))
    return {factor: _nearest(found, factor, levels) for factor, levels in tried.items()}


def _nearest(found: Multiverse, factor: str, tried: list[tuple[Any, Verdict]]) -> Flip | None:
    own, verdict, levels = found.own[factor], found.verdicts[found.own_place], found.levels(factor)
    turning = [
        {"from": own, "to": level, "verdict": other, "distance": distance(levels, own, level)}
        for level, other in tried
        if other != verdict
    ]
    nearest = min(turning, key=lambda flip: flip["distance"], default=None)
    return nearest and {**nearest, "turning": len(turning), "tried": len(tried)}


def distance(levels: Sequence[Any], one: Any, other: Any) -> float:
    """How far two levels of a factor are apart.

    Example:
        >>> distance([64, 128, 256], 128, 64), distance([64, 128, 256], 64, 256)
        (1.0, 2.0)
        >>> distance([], (2, 3), (3, 5)), distance([], (2, 3), (4, 5)), distance([], "lag", "none")
        (1.0, 2.0, 1.0)
    """
    if isinstance(one, tuple):
        return float(len({*one} - {*other}))
    if isinstance(one, str):
        return 1.0
    ordered = sorted(levels)
    return float(abs(ordered.index(one) - ordered.index(other)))


def smallest(found: dict[str, Flip | None]) -> Flip | None:
    """The smallest of these changes, the first of those that are equally small."""
    turning = {factor: flip for factor, flip in found.items() if flip}
    if not turning:
        return None
    factor = min(turning, key=lambda name: turning[name]["distance"])
    return {"factor": factor, **turning[factor]}
