"""A claim judged in one setting after another, by the function that the task itself uses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from experiments.common.claims import Claim, Condition, Verdict, verdict

Setting = dict[str, Any]


class Specification(NamedTuple):
    """A claim in one setting.

    Attributes:
        setting: Factor to its level.
        conditions: What was decided; empty if it says nothing of the claim.
    """

    setting: Setting
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Multiverse:
    """A claim in all of its settings.

    Attributes:
        claim: The claim.
        own: The report's own setting.
        units: Factors whose levels are independent of each other; settings that share all of them
            are not, and count as one in the interval.
        specifications: The claim in every setting in which it can be judged.
        measured: What else was measured on the way.
    """

    claim: Claim
    own: Setting
    units: Sequence[str]
    specifications: Sequence[Specification]
    measured: Mapping[str, Any]

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """The verdict in each setting."""
        return [verdict(each.conditions) for each in self.specifications]

    @cached_property
    def holds(self) -> Bool[np.ndarray, " settings"]:
        """Whether the claim is confirmed in each setting."""
        return np.array([each is Verdict.CONFIRMED for each in self.verdicts])

    @property
    def own_place(self) -> int:
        """The place of the report's own setting."""
        return [each.setting for each in self.specifications].index(self.own)

    @property
    def own_conditions(self) -> tuple[Condition, ...]:
        """What is decided in the report's own setting."""
        return self.specifications[self.own_place].conditions

    @cached_property
    def values(self) -> dict[str, Float[np.ndarray, " settings"]]:
        """The number behind each condition in every setting; NaN where it was not measured."""
        found = [{c.statement: c.value for c in each.conditions} for each in self.specifications]
        statements = [condition.statement for condition in self.own_conditions]
        return {
            name: np.array([each.get(name, np.nan) for each in found], float) for name in statements
        }

    def levels(self, factor: str) -> list[Any]:
        """The levels of a factor, in the order in which they were declared."""
        return list(dict.fromkeys(each.setting[factor] for each in self.specifications))


def multiverse(
    claim: Claim,
    own: Setting,
    units: Sequence[str],
    settings: Iterable[tuple[Setting, Any]],
    measured: Mapping[str, Any] | None = None,
) -> Multiverse:
    """Judge a claim in every setting.

    Args:
        claim: The claim.
        own: The report's own setting.
        units: Factors of independent levels.
        settings: Each setting, with as much of the task's metrics as the claim reads.
        measured: What else was measured.

    Returns:
        The claim in all settings in which it can be judged.
    """
    judged = (Specification(each, claim.measured(found).conditions) for each, found in settings)
    return Multiverse(claim, own, units, [s for s in judged if s.conditions], measured or {})
