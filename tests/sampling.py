"""A few of many cases, for every run of the suite; the others are `exhaustive`."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], every: int) -> list[Any]:
    """Cases of a parametrized test, of which those at multiples of `every` always run."""
    return [case if number % every == 0 else exhaustive(case) for number, case in enumerate(cases)]


def exhaustive(case: Any) -> Any:
    """One case, which runs on request; a plain tuple holds the values of several arguments."""
    values = case if type(case) is tuple else (case,)
    return pytest.param(*values, marks=pytest.mark.exhaustive)
