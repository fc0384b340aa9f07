"""The tuning constants of the gradient checker: what each is, and how it was calibrated.

`python -m mnist_jax.gradcheck --constants` prints them. "Measured" refers to `experiments.controls`:
wrong gradients, random problems with correct ones, and gradients that others wrote.
"""

import sys
import typing
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from rich.table import Table

# tolerance of a coordinate
TOLERANCE: Annotated[
    float,
    "tolerance, in standard deviations of the rounding error",
    "measured: of 10,000 correct gradients none has an error above 0.3 of it",
] = 16.0
SETTLED: Annotated[
    float,
    "tolerance, in error estimates of Richardson extrapolation",
    "measured: no correct slope exceeds it, and every mistake in the controls does",
] = 8.0
LOST: Annotated[
    float,
    "digits that a gradient may lose to rounding in excess of autodiff",
    "chosen: two digits are what an unlucky order of summation costs",
] = 2.0
UNRESOLVED: Annotated[
    float,
    "relative tolerance above which a comparison is inconclusive",
    "chosen: a wrong sign or factor of two would still be seen below it",
] = 0.1
ORDER: Annotated[
    float,
    "order of the Taylor remainder that separates correct from wrong",
    "derived: halfway between 2 for a correct gradient and 1 for a wrong one",
] = 1.5

# random rounding
SAMPLES: Annotated[
    int,
    "evaluations with random rounding",
    "derived: an error of one deviation exceeds TOLERANCE once in 10^10 cases",
] = 16
FEWEST: Annotated[
    int, "... at least, for slow functions", "chosen: the least that has a spread"
] = 4
SAMPLING: Annotated[
    float, "seconds for all evaluations of a function at a point", "chosen: one of several such"
] = 1.0
LARGE: Annotated[
    int,
    "coordinates from which on neighbours share an estimate, and FEW evaluations suffice",
    "chosen: below it, an evaluation takes milliseconds",
] = 100_000
FEW: Annotated[
    int,
    "evaluations of a function with a large result",
    "derived: BLOCK neighbours have 40 degrees of freedom together; 16 evaluations have 15",
] = 6
BLOCK: Annotated[
    int, "neighbours that share an estimate", "derived: see FEW; nearer ones are more alike"
] = 8
AMPLIFIED: Annotated[
    float,
    "factor of the noise in float64, by which its deviations are divided again",
    "derived: noise must be above the resolution, and not exceed TOLERANCE, or a result that "
    "rounding destroys would seem accurate",
] = 16.0
ROUNDED_DATA: Annotated[
    int, "evaluations with rounded data for a gradient that is not traced", "chosen: as FEWEST"
] = 4
BATCHED: Annotated[
    int,
    "operations from which on all evaluations are computed in one batch",
    "chosen: below, tracing the batch takes longer than it saves",
] = 60

# differences of the loss
RATIO: Annotated[float, "ratio of two steps", "derived: the term in h^2 then shrinks by 16"] = 4.0
NUM_STEPS: Annotated[
    int, "steps, from 1 on", "derived: the last, 4e-9, is below the best step of float64"
] = 15
VISIBLE: Annotated[
    float,
    "smallest visible remainder, in standard deviations of a value",
    "measured: the order of correct gradients is then 2.0 within 0.1",
] = 100.0
CLEAR: Annotated[float, "... and in tolerances of the slope", "measured: as VISIBLE"] = 8.0
AGREE: Annotated[
    float,
    "largest difference of two extrapolations, in multiples of their errors",
    "chosen: extrapolations from both sides of a kink differ by more",
] = 4.0
HIGHEST: Annotated[float, "largest order reported", "chosen: a vanishing remainder has any"] = 4.0
NEAREST: Annotated[
    int, "number of the smallest step that resolves a kink", "derived: 2e-7, where rounding is 1e-9"
] = 11
STRAIGHT: Annotated[
    int, "number of a step at which a smooth loss is linear", "derived: its square is 1e-12"
] = 10
BENT: Annotated[
    float,
    "smallest second difference of a kink, in multiples of the noise",
    "derived: a kink's grows to 64 times its value at the smallest step; rounding's does not grow",
] = 8.0
KINK: Annotated[
    float,
    "relative difference of two one-sided slopes at a kink",
    "chosen: the curvature of smooth losses stays below it",
] = 0.05
STEADY: Annotated[
    float, "relative change of a kink's jump between two steps", "derived: a curve's is above 0.9"
] = 0.2
COORDINATES: Annotated[
    int, "coordinates up to which differences give a whole gradient", "chosen: below a second"
] = 256
LINES: Annotated[float, "seconds for the lines through a point", "chosen"] = 0.7
FORWARD: Annotated[
    float, "seconds for a slope in forward mode; a slower one is skipped", "chosen"
] = 0.2

# points
SPREAD: Annotated[
    float,
    "standard deviation of the logarithm of a coordinate's change",
    "chosen: coordinates change by a factor of two, and keep their sign",
] = 0.6
ATTEMPTS: Annotated[
    int, "draws, each at half the distance, until the loss is finite", "derived: down to 1e-4"
] = 12
VANISHED: Annotated[
    float,
    "fraction of its largest value below which a gradient counts as vanished",
    "chosen: saturated weights are left, and all others stay",
] = 1e-3
INSTEAD_OF_ZERO: Annotated[
    float, "value for a scalar of zero, which hides mistakes", "chosen: a usual penalty"
] = 0.1
FLIPS: Annotated[int, "random signs tried to enter a branch", "chosen"] = 8
BRANCHES: Annotated[float, "seconds to search for points in other branches", "chosen"] = 0.5

# the formula in balls
FORMULA: Annotated[
    float, "seconds for the verdict on the formula", "measured: task 4a is told at two points"
] = 0.6
FEWEST_BITS: Annotated[int, "bits at first", "chosen: equal gradients agree to 37 digits"] = 128
MOST_BITS: Annotated[int, "bits at last", "chosen: saturated logits of 10,000 need thousands"] = (
    1 << 15
)
EQUAL: Annotated[
    int, "digits to which equal gradients agree", "derived: twice those of any datum"
] = 30
ZERO_BITS: Annotated[
    int,
    "bits with which numbers below 2 to minus half of them are zero",
    "chosen: no sum of floats that is not zero is as small",
] = 512
PERTURBED: Annotated[
    int,
    "perturbations of the data if a difference is proved",
    "measured: no correct formula of the controls is then called different",
] = 8
EXPLAINS: Annotated[
    float,
    "largest ratio of a difference to its change under rounded data that the data explain",
    "derived: data are results of computations, and most perturbations are far below the largest",
] = 256.0
FIXED: Annotated[
    float,
    "relative change in two perturbations below which the data do not explain a difference",
    "derived: rounding of the data would change it by about its own size",
] = 2.0**-20
WITNESS_BITS: Annotated[int, "bits for values of the loss", "derived: STEP loses 200 twice"] = 512
STEP: Annotated[
    float, "step of the difference quotient", "derived: its error, the square, is below 1e-120"
] = 2.0**-200
SAME: Annotated[float, "relative difference below which slopes are equal", "derived: from STEP"] = (
    2.0**-100
)
WITNESSED: Annotated[
    float, "digits to which the slope of a correct gradient agrees", "derived: those of float64"
] = 15.0
REFUTED: Annotated[
    float,
    "digits below which it is wrong",
    "chosen: in between, a rounded constant may be the reason",
] = 12.0
ROUNDED: Annotated[
    float,
    "relative error in float64 that rounding may explain if the formulas are equal",
    "chosen: half of the digits",
] = 1e-8
LARGEST_TERM: Annotated[
    int,
    "largest term of a fraction that a constant in code stands for",
    "derived: a random float64 is that near to one with probability 1e-8",
] = 1000
WRITTEN: Annotated[int, "digits of a decimal that a constant stands for", "derived: as above"] = 12
ULPS: Annotated[float, "units in the last place it may be off", "chosen: three operations"] = 8

# names of mistakes
SLACK: Annotated[
    float, "error of a fit, in tolerances", "derived: both sides are rounded, and the factor"
] = 4.0
LOOSE: Annotated[
    float,
    "relative error of a fit if the loss holds an epsilon, which is then stated",
    "chosen: the epsilons that people write are 1e-12 to 1e-5",
] = 1e-4
NOTHING: Annotated[float, "factor of a term that counts as rounding", "chosen"] = 1e-9
SINGLE: Annotated[
    float, "largest relative error of computing in float32", "derived: a hundred roundings"
] = 1e-5
EPSILON: Annotated[float, "largest constant that counts as an epsilon", "chosen: as LOOSE"] = 1e-4
EXPLAINED: Annotated[
    float, "distance of a factor from the plain number that it is", "chosen: far above rounding"
] = 1e-6
EQUATIONS: Annotated[int, "equations of a loss that are changed in turn", "chosen"] = 60
SEARCH: Annotated[float, "seconds to search for a mistake's name", "chosen"] = 2.5


class Constant(NamedTuple):
    """A tuning constant.

    Attributes:
        name: Name in this module.
        value: Value.
        meaning: What it limits.
        calibration: How its value was found: measured, derived or chosen, and why.
    """

    name: str
    value: float
    meaning: str
    calibration: str


def constants() -> Iterator[Constant]:
    """Yields the constants of this module."""
    for name, hint in typing.get_type_hints(sys.modules[__name__], include_extras=True).items():
        yield Constant(name, globals()[name], *hint.__metadata__)


def table() -> Table:
    """Returns the constants as a table."""
    shown = Table("constant", "value", "meaning", "calibration", box=None, pad_edge=False)
    for constant in constants():
        shown.add_row(constant.name, f"{constant.value:g}", *constant[2:])
    return shown
