"""A few of many cases, for every run of the suite; the others are `exhaustive`."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """Cases of a parametrized test, of which every so manieth always runs."""
    return [
        case if number % every == 0 else pytest.param(case, marks=pytest.mark.exhaustive)
        for number, case in enumerate(cases)
    ]
