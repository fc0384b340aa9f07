"""The settings in which each claim is tried, written down before anything was run.

What is not named here is as in the report. Each family is trained for the claims of one question.
"""

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Self

from experiments import reported

Digits = tuple[int, int]
PAIRS: tuple[Digits, ...] = tuple(combinations(range(10), 2))


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """2d and 2e: two digits, in file order and shuffled, evaluated as the report does."""

    digits: tuple[Digits, ...] = PAIRS
    learning_rates: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1)
    batch_sizes: tuple[int, ...] = (64, 128, 256)
    seeds: int = 20

    def quick(self) -> Self:
        """A tenth of the pairs, the report's among them."""
        own = self.digits.index(reported.DIGITS)
        return replace(self, digits=self.digits[own % 10 :: 10])


@dataclass(frozen=True, kw_only=True)
class EveryStep(Pairs):
    """2e: two digits in file order, evaluated after every step."""

    batch_sizes: tuple[int, ...] = (reported.BATCH_SIZE,)
    seeds: int = 0
    other_batch_sizes: tuple[int, ...] = (64, 256)
    """Tried on the report's digits alone."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """3d: ten digits, judged on the whole test set."""

    train_sizes: tuple[int, ...] = (2_000, 6_000, reported.TRAIN_SIZE)
    batch_sizes: tuple[int, ...] = (64, 128, 256)
    learning_rates: tuple[float, ...] = (0.005, 0.01, 0.02)
    epochs: tuple[int, ...] = (10, reported.EPOCHS)
    seeds: int = 10

    def quick(self) -> Self:
        """One seed."""
        return replace(self, seeds=1)


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """4: ten digits, every factor of the report."""

    batch_sizes: tuple[int, ...] = (64, 128, 256)
    learning_rates: tuple[float, ...] = (0.005, 0.01, 0.02)
    epochs: tuple[int, ...] = (10, reported.EPOCHS)
    seeds: int = 3
    l2: tuple[float, ...] = reported.L2_FACTORS

    def quick(self) -> Self:
        """One seed, with the report's rate and few epochs beside its own."""
        return replace(self, seeds=1, learning_rates=(0.01,), batch_sizes=(128,))


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """4e: the weights at which the objective is lowest, whatever leads there."""

    train_sizes: tuple[int, ...] = (2_000, reported.TRAIN_SIZE)
    l2: tuple[float, ...] = tuple(2 * 10 ** (quarter / 4) for quarter in range(-12, 9))
    """Four factors to a power of ten, from the least of the report on, its own among them."""
    gradient: float = 1e-8
    """The largest norm of the gradient that passes for zero; the weights are float64."""

    def quick(self) -> Self:
        """The small training set."""
        return replace(self, train_sizes=self.train_sizes[:1])


@dataclass(frozen=True, kw_only=True)
class Declared:
    """All of it."""

    pairs: Pairs = field(default_factory=Pairs)
    every_step: EveryStep = field(default_factory=EveryStep)
    held_out: HeldOut = field(default_factory=HeldOut)
    penalty: Penalty = field(default_factory=Penalty)
    optimum: Optimum = field(default_factory=Optimum)
    look_backs: tuple[int, ...] = (5, 10, 20)
    """How many evaluations a stopping criterion looks back."""
    prominences: tuple[float, ...] = (0.01, 0.02, 0.04)
    """How deep a drop of the accuracy must be to count as a spike."""
    level: float = 0.95
    """Of every interval."""

    def quick(self) -> Self:
        """About a tenth of the runs."""
        names = ("pairs", "every_step", "held_out", "penalty", "optimum")
        return replace(self, **{name: getattr(self, name).quick() for name in names})
