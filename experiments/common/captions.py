"""Captions: a figure's numbers, and what they mean in the report's own setting."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Numbers = Mapping[str, str | None]
"""What is measured, to its value in words; None where it was not measured."""


@dataclass(frozen=True, kw_only=True)
class Caption:
    """The words of a figure."""

    title: str  # subject of the figure
    shows: str  # description of the drawing, for those who do not see it
    numbers: Callable[[Any], Numbers]  # the task's metrics to the numbers that the figure shows
    meaning: str = ""  # what the numbers mean in the report's own setting

    def text(self, metrics: Any, *, own_setting: bool = True) -> str:
        """Write the numbers and, in the report's own setting, what they mean."""
        parts = (sentence(self.numbers(metrics)), self.meaning if own_setting else "")
        return " ".join(filter(None, parts))


def sentence(numbers: Numbers) -> str:
    """Write numbers as a sentence, without those that were not measured.

    Example:
        >>> sentence({"lag stops at": "step 75", "patience stops at": None, "spikes": "10"})
        'Lag stops at: step 75; spikes: 10.'
    """
    text = "; ".join(f"{name}: {value}" for name, value in numbers.items() if value is not None)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def shown(value: float | None, form: str) -> str | None:
    """Format a number; None if it was not measured or is not finite.

    Example:
        >>> shown(0.9312, "{:.1%} of the images"), shown(None, "{:.1%}")
        ('93.1% of the images', None)
    """
    return None if value is None or not math.isfinite(value) else form.format(value)
